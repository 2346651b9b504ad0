import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { TokenSettings } from '../admin-contract.ts'
import type {
  AccessTokenForm,
  AuthorizationServerOptions,
  IssuedToken,
  RefreshPolicy,
  TokenLine,
  TokenPolicy,
  TokenSubject,
} from './authorization-server.ts'
import { randomToken } from './random.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { FamilyRecord } from './token-records.ts'
import type { TokenStore } from './token-store.ts'

/** Makes tokens as the provider's policy has it, and as `configure` last said. */
export class TokenIssuer {
  readonly #options: AuthorizationServerOptions
  readonly #store: TokenStore
  readonly #keys: SigningKeys
  readonly #lines: ReadonlyMap<string, TokenLine>
  #settings: TokenSettings = {}

  constructor(options: AuthorizationServerOptions, store: TokenStore, keys: SigningKeys) {
    this.#options = options
    this.#store = store
    this.#keys = keys
    this.#lines = new Map(options.lines.map((line) => [line.name, line]))
  }

  configure(settings: TokenSettings): void {
    this.#settings = { ...this.#settings, ...settings }
  }

  get rotation(): boolean {
    return this.#settings.rotation ?? true
  }

  get policy(): TokenPolicy {
    const { tokens, tokensWithoutRotation } = this.#options
    if (this.rotation) return tokens
    return tokensWithoutRotation ?? { ...tokens, refreshTokens: keptInstead(tokens.refreshTokens) }
  }

  /** Throws when the provider has no such line. */
  line(name: string): TokenLine {
    const line = this.#lines.get(name)
    if (line === undefined) throw new Error(`There is no line of tokens called ${name}.`)
    return line
  }

  /** An access token; of a family, unless nobody's consent is behind it. */
  async accessToken(subject: TokenSubject, family: FamilyRecord | null): Promise<IssuedToken> {
    const issuedAt = this.#options.clock.now()
    const seconds = this.#settings.accessTokenSeconds ?? this.policy.accessTokenSeconds
    const expiresAt = seconds === null ? null : issuedAt + seconds * 1000
    const form = this.line(subject.line).accessToken ?? { type: 'opaque', make: () => randomToken() }
    const accessToken = await this.#make(form, subject, issuedAt, expiresAt)
    const { account, clientId, line, scopes } = subject
    this.#store.addAccessToken(accessToken, {
      account,
      clientId,
      line,
      expiresAt,
      scopes: [...scopes],
      familyId: family?.id ?? null,
    })
    const said = (this.#settings.sayExpiry ?? this.#options.sayExpiry ?? true) && seconds !== null
    return { ...subject, accessToken, issuedAt, expiresIn: said ? seconds : undefined, refreshToken: undefined }
  }

  /** Undefined where the provider has none. */
  refreshToken(family: FamilyRecord, scopes: readonly string[]): string | undefined {
    const { refreshTokens: policy } = this.policy
    if (policy.kind === 'none') return undefined
    const value = this.line(family.line).makeRefreshToken?.() ?? randomToken()
    const expiresAt = policy.seconds === undefined ? null : this.#options.clock.now() + policy.seconds * 1000
    this.#store.addRefreshToken(value, { scopes: [...scopes], familyId: family.id, expiresAt })
    this.#keepLimit(policy, family.grantId)
    return value
  }

  #keepLimit(policy: RefreshPolicy, grantId: string): void {
    if (!('limit' in policy) || policy.limit === undefined) return
    const live = this.#store.liveRefreshTokens(grantId)
    for (const oldest of live.slice(0, Math.max(0, live.length - policy.limit))) this.#store.endToken(oldest)
  }

  async #make(form: AccessTokenForm, subject: TokenSubject, issuedAt: number, expiresAt: number | null): Promise<string> {
    if (form.type === 'opaque') return form.make(subject)
    const { key, jwk } = await this.#keys.get(form.alg)
    const jwt = new SignJWT({ jti: randomUUID(), ...form.claims(subject) })
      .setProtectedHeader({ alg: form.alg, kid: jwk.kid ?? form.alg, typ: 'JWT' })
      .setIssuedAt(Math.floor(issuedAt / 1000))
    if (expiresAt !== null) jwt.setExpirationTime(Math.floor(expiresAt / 1000))
    return jwt.sign(key)
  }
}

function keptInstead(policy: RefreshPolicy): RefreshPolicy {
  if (policy.kind === 'none') return policy
  return { kind: 'kept', ...(policy.seconds !== undefined && { seconds: policy.seconds }) }
}
