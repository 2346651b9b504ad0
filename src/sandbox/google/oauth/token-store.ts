import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { SandboxClock } from '../../clock.ts'
import type { StateFile } from '../../state-file.ts'

// https://developers.google.com/identity/protocols/oauth2#expiration: beyond it, the oldest stops working without a word.
const refreshTokensPerGrant = 100
const keptAfterExpiryMs = 3_600_000

const Grant = z.object({
  id: z.string(),
  account: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  revoked: z.boolean(),
  refreshTokens: z.array(z.string()),
})
/** One user's consent to one app. */
export type Grant = z.output<typeof Grant>

const AccessToken = z.object({
  account: z.string(),
  /** Null for a service account. */
  clientId: z.string().nullable(),
  scopes: z.array(z.string()),
  /** Milliseconds since the epoch. */
  expiresAt: z.number(),
  grantId: z.string().nullable(),
})
export type AccessToken = z.output<typeof AccessToken>

const RefreshToken = z.object({ grantId: z.string(), scopes: z.array(z.string()), revoked: z.boolean() })
export type RefreshToken = z.output<typeof RefreshToken>

const Stored = z.object({
  grants: z.array(Grant),
  accessTokens: z.record(z.string(), AccessToken),
  refreshTokens: z.record(z.string(), RefreshToken),
})

/** Consents and the tokens issued on them. */
export class TokenStore {
  /** How long a new access token is valid. */
  accessTokenSeconds = 3599
  readonly #clock: SandboxClock
  readonly #file: StateFile | null
  #grants = new Map<string, Grant>()
  #accessTokens = new Map<string, AccessToken>()
  #refreshTokens = new Map<string, RefreshToken>()

  private constructor(clock: SandboxClock, file: StateFile | null) {
    this.#clock = clock
    this.#file = file
  }

  static async load(clock: SandboxClock, file: StateFile | null): Promise<TokenStore> {
    const store = new TokenStore(clock, file)
    const found = await file?.load()
    if (found === undefined) return store
    const { grants, accessTokens, refreshTokens } = Stored.parse(found)
    store.#grants = new Map(grants.map((grant) => [grant.id, grant]))
    store.#accessTokens = new Map(Object.entries(accessTokens))
    store.#refreshTokens = new Map(Object.entries(refreshTokens))
    return store
  }

  /** The consent in force, if there is one. */
  liveGrant(account: string, clientId: string): Grant | undefined {
    return this.#grants.values().find((grant) => grant.account === account && grant.clientId === clientId && !grant.revoked)
  }

  /** Records that the user agreed to these scopes, on top of what was agreed before. */
  consent(account: string, clientId: string, scopes: readonly string[]): Grant {
    const grant = this.liveGrant(account, clientId) ?? {
      id: randomUUID(),
      account,
      clientId,
      scopes: [],
      revoked: false,
      refreshTokens: [],
    }
    grant.scopes = [...new Set([...grant.scopes, ...scopes])]
    this.#grants.set(grant.id, grant)
    this.#save()
    return grant
  }

  issueAccessToken(token: Omit<AccessToken, 'expiresAt'>): string {
    const value = `${token.grantId === null ? 'ya29.c.' : 'ya29.a0'}${randomBytes(48).toString('base64url')}`
    this.#accessTokens.set(value, { ...token, expiresAt: this.#clock.now() + this.accessTokenSeconds * 1000 })
    this.#save()
    return value
  }

  issueRefreshToken(grant: Grant, scopes: readonly string[]): string {
    const value = `1//0g${randomBytes(36).toString('base64url')}`
    this.#refreshTokens.set(value, { grantId: grant.id, scopes: [...scopes], revoked: false })
    grant.refreshTokens.push(value)
    const dropped = grant.refreshTokens.length > refreshTokensPerGrant ? grant.refreshTokens.shift() : undefined
    if (dropped !== undefined) this.#endRefreshToken(dropped)
    this.#save()
    return value
  }

  /** The access token, when it is still good. */
  findAccessToken(value: string): AccessToken | undefined {
    const token = this.#accessTokens.get(value)
    if (token === undefined || token.expiresAt <= this.#clock.now()) return undefined
    if (token.grantId !== null && this.#grants.get(token.grantId)?.revoked !== false) return undefined
    return token
  }

  /** A refresh token and its consent, revoked or not; undefined when it was never issued. */
  findRefreshToken(value: string): { grant: Grant; token: RefreshToken } | undefined {
    const token = this.#refreshTokens.get(value)
    const grant = token && this.#grants.get(token.grantId)
    return token && grant && { grant, token }
  }

  /** Ends the consent that a token belongs to, and with it every token of it. False when the token is not in force. */
  revokeToken(value: string): boolean {
    const refresh = this.findRefreshToken(value)
    if (refresh !== undefined && (refresh.token.revoked || refresh.grant.revoked)) return false
    const grantId = refresh?.grant.id ?? this.findAccessToken(value)?.grantId
    const grant = grantId === null || grantId === undefined ? undefined : this.#grants.get(grantId)
    if (grant === undefined) return false
    grant.revoked = true
    this.#save()
    return true
  }

  /** Ends single tokens, not the consent. */
  endTokens(values: readonly string[]): void {
    for (const value of values) {
      this.#accessTokens.delete(value)
      this.#endRefreshToken(value)
    }
    this.#save()
  }

  /** Ends all consents of an account, as its owner can under "third-party apps". Returns how many there were. */
  revokeAccount(account: string): number {
    const grants = this.#grants.values().filter((grant) => grant.account === account && !grant.revoked)
    let count = 0
    for (const grant of grants) {
      grant.revoked = true
      count += 1
    }
    this.#save()
    return count
  }

  expireAccessTokens(): void {
    const now = this.#clock.now()
    for (const token of this.#accessTokens.values()) token.expiresAt = Math.min(token.expiresAt, now)
    this.#save()
  }

  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  #endRefreshToken(value: string): void {
    const token = this.#refreshTokens.get(value)
    if (token !== undefined) token.revoked = true
  }

  #save(): void {
    this.#file?.save(() => {
      const oldest = this.#clock.now() - keptAfterExpiryMs
      for (const [value, token] of this.#accessTokens) if (token.expiresAt < oldest) this.#accessTokens.delete(value)
      return {
        grants: [...this.#grants.values()],
        accessTokens: Object.fromEntries(this.#accessTokens),
        refreshTokens: Object.fromEntries(this.#refreshTokens),
      }
    })
  }
}
