import { randomUUID } from 'node:crypto'
import type { JWK } from 'jose'
import type { SandboxClock } from '../clock.ts'
import { StateFile } from '../state-file.ts'
import { StoredTokens, type AccessRecord, type FamilyRecord, type GrantRecord, type RefreshRecord } from './token-records.ts'

const keptAfterExpiryMs = 3_600_000

/** Why a token is not good; `used`: it was replaced, and its grace is over. */
export type TokenState = 'live' | 'expired' | 'used' | 'revoked' | 'unknown'

/** Consents and the tokens issued on them. It knows what is in force, not what a provider's rules are. */
export class TokenStore {
  readonly #clock: SandboxClock
  readonly #file: StateFile | null
  #grants = new Map<string, GrantRecord>()
  #families = new Map<string, FamilyRecord>()
  #accessTokens = new Map<string, AccessRecord>()
  #refreshTokens = new Map<string, RefreshRecord>()
  #keys: Record<string, JWK> = {}
  readonly #secrets = new Set<string>()

  private constructor(clock: SandboxClock, file: StateFile | null) {
    this.#clock = clock
    this.#file = file
  }

  /** Takes up what was kept at `path`. Throws when it is not what a store writes. */
  static async load(clock: SandboxClock, path: string | undefined): Promise<TokenStore> {
    const store = new TokenStore(clock, path === undefined ? null : new StateFile(path))
    const found = await store.#file?.load()
    if (found !== undefined) store.#restore(StoredTokens.parse(found))
    return store
  }

  /** Every secret that was issued, in force or not. */
  secrets(): string[] {
    return [...this.#secrets]
  }

  noteSecret(secret: string): void {
    this.#secrets.add(secret)
  }

  grant(id: string): GrantRecord | undefined {
    return this.#grants.get(id)
  }

  /** The grants that nobody has ended, of an account and perhaps one app. */
  openGrants(account: string, clientId?: string): GrantRecord[] {
    const fits = (grant: GrantRecord) =>
      grant.account === account && !grant.ended && (clientId === undefined || grant.clientId === clientId)
    return this.#grants.values().filter(fits).toArray()
  }

  /** Those of them with which something can still be done. */
  liveGrants(account: string): GrantRecord[] {
    const live = new Set<string | undefined>()
    for (const [value, { familyId }] of this.#refreshTokens) {
      if (this.refreshState(value) === 'live') live.add(this.#families.get(familyId)?.grantId)
    }
    for (const [value, { familyId }] of this.#accessTokens) {
      if (familyId !== null && this.accessState(value) === 'live') live.add(this.#families.get(familyId)?.grantId)
    }
    return this.openGrants(account).filter(({ id }) => live.has(id))
  }

  addGrant(grant: Omit<GrantRecord, 'id' | 'ended'>): GrantRecord {
    const added = { ...grant, id: randomUUID(), ended: false }
    this.#grants.set(added.id, added)
    this.#save()
    return added
  }

  /** More scopes for a grant, on top of those it has. */
  widenGrant(grant: GrantRecord, scopes: Readonly<Record<string, readonly string[]>>): void {
    for (const [line, more] of Object.entries(scopes)) {
      grant.scopes[line] = [...new Set([...(grant.scopes[line] ?? []), ...more])]
    }
    this.#save()
  }

  /** False when it was not in force. */
  endGrant(id: string): boolean {
    const grant = this.#grants.get(id)
    if (grant === undefined || grant.ended) return false
    grant.ended = true
    this.#save()
    return true
  }

  addFamily(grantId: string, line: string): FamilyRecord {
    const family = { id: randomUUID(), grantId, line, ended: false }
    this.#families.set(family.id, family)
    this.#save()
    return family
  }

  family(id: string | null): FamilyRecord | undefined {
    return id === null ? undefined : this.#families.get(id)
  }

  endFamily(id: string): void {
    const family = this.#families.get(id)
    if (family !== undefined) family.ended = true
    this.#save()
  }

  addAccessToken(value: string, token: Omit<AccessRecord, 'ended'>): void {
    this.#secrets.add(value)
    this.#accessTokens.set(value, { ...token, ended: false })
    this.#save()
  }

  accessToken(value: string): AccessRecord | undefined {
    return this.#accessTokens.get(value)
  }

  accessState(value: string): Exclude<TokenState, 'used'> {
    const token = this.#accessTokens.get(value)
    if (token === undefined) return 'unknown'
    if (token.ended || (token.familyId !== null && !this.#isOpen(token.familyId))) return 'revoked'
    return this.#isPast(token.expiresAt) ? 'expired' : 'live'
  }

  addRefreshToken(value: string, token: Pick<RefreshRecord, 'scopes' | 'familyId' | 'expiresAt'>): void {
    this.#secrets.add(value)
    this.#refreshTokens.set(value, { ...token, replacedAt: null, deadAt: null, ended: false })
    this.#save()
  }

  refreshToken(value: string): RefreshRecord | undefined {
    return this.#refreshTokens.get(value)
  }

  refreshState(value: string): TokenState {
    const token = this.#refreshTokens.get(value)
    if (token === undefined) return 'unknown'
    if (this.#isPast(token.deadAt)) return 'used'
    if (token.ended || !this.#isOpen(token.familyId)) return 'revoked'
    return this.#isPast(token.expiresAt) ? 'expired' : 'live'
  }

  /** The refresh tokens of a grant that are in force, the oldest first. */
  liveRefreshTokens(grantId: string): string[] {
    const ofGrant = this.#refreshTokens
      .entries()
      .filter(([value, { familyId }]) => this.#families.get(familyId)?.grantId === grantId && this.refreshState(value) === 'live')
    return ofGrant.map(([value]) => value).toArray()
  }

  /** Notes that a refresh token has a successor. `deadAt`: when it stops working; null: it goes on. */
  replaceRefreshToken(token: RefreshRecord, deadAt: number | null): void {
    token.replacedAt ??= this.#clock.now()
    // A second use within the grace period does not make it longer.
    token.deadAt ??= deadAt
    this.#save()
  }

  /** Ends one access or refresh token. False when it was not in force. */
  endToken(value: string): boolean {
    const token = this.#liveToken(value)
    if (token === undefined) return false
    token.ended = true
    this.#save()
    return true
  }

  /** The family of an access or refresh token that is in force. */
  liveFamily(value: string): FamilyRecord | undefined {
    return this.family(this.#liveToken(value)?.familyId ?? null)
  }

  /** Makes every access token look as if its time were over. */
  expireAccessTokens(): void {
    const now = this.#clock.now()
    for (const token of this.#accessTokens.values()) token.expiresAt = Math.min(token.expiresAt ?? now, now)
    this.#save()
  }

  key(algorithm: string): JWK | undefined {
    return this.#keys[algorithm]
  }

  keepKey(algorithm: string, key: JWK): void {
    this.#keys[algorithm] = key
    this.#save()
  }

  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  #liveToken(value: string): AccessRecord | RefreshRecord | undefined {
    if (this.refreshState(value) === 'live') return this.#refreshTokens.get(value)
    return this.accessState(value) === 'live' ? this.#accessTokens.get(value) : undefined
  }

  #isPast(time: number | null): boolean {
    return time !== null && time <= this.#clock.now()
  }

  #isOpen(familyId: string): boolean {
    const family = this.#families.get(familyId)
    return family !== undefined && !family.ended && this.#grants.get(family.grantId)?.ended === false
  }

  #restore({ grants, families, accessTokens, refreshTokens, keys }: StoredTokens): void {
    this.#grants = new Map(grants.map((grant) => [grant.id, grant]))
    this.#families = new Map(families.map((family) => [family.id, family]))
    this.#accessTokens = new Map(Object.entries(accessTokens))
    this.#refreshTokens = new Map(Object.entries(refreshTokens))
    this.#keys = keys
    for (const secret of [...this.#accessTokens.keys(), ...this.#refreshTokens.keys()]) this.#secrets.add(secret)
  }

  #save(): void {
    this.#file?.save(() => {
      const oldest = this.#clock.now() - keptAfterExpiryMs
      for (const [value, { expiresAt }] of this.#accessTokens) {
        if (expiresAt !== null && expiresAt < oldest) this.#accessTokens.delete(value)
      }
      return {
        grants: [...this.#grants.values()],
        families: [...this.#families.values()],
        accessTokens: Object.fromEntries(this.#accessTokens),
        refreshTokens: Object.fromEntries(this.#refreshTokens),
        keys: this.#keys,
      } satisfies StoredTokens
    })
  }
}
