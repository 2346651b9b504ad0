import type { Sql } from 'postgres'
import type { Origin } from './origin.ts'
import type { TokenSet } from './token-request.ts'
import { type SecretOwner, secretOwner, webhookOwner } from './vault.ts'

export type GrantType = 'authorization_code' | 'service_account' | 'client_credentials'

/** Which secret: an integration's `primary` one is what API requests are sent with. */
export interface SecretId {
  integrationId: string
  name: string
}

/** A row of `patchbay.secrets`, still encrypted. Times are milliseconds since the epoch; null is never. */
export interface StoredSecret {
  version: bigint
  accessTokenJwe: string
  refreshTokenJwe: string | null
  tokenType: string
  expiresAt: number | null
  refreshDueAt: number | null
  grantType: GrantType
  accountId: string
  status: 'connected' | 'needs_reauth' | 'disconnected' | 'error'
}

/**
 * `granted`: this caller refreshes now. `changed`: somebody has, since the version shown. `wait`: somebody is about to. Otherwise the
 * integration has to be connected again first.
 */
export type RefreshTurn = StoredSecret & { outcome: 'granted' | 'changed' | 'wait' | 'needs_reauth' | 'not_connected' }

/** New tokens, encrypted. */
export interface SealedTokens extends Omit<TokenSet, 'accessToken' | 'refreshToken' | 'scopes'> {
  accessTokenJwe: string
  refreshTokenJwe: string | null
  /** Null: as before. */
  scope: string | null
}

/** Undefined: no such integration, or it has no such token. */
export async function readSecret(sql: Sql, { integrationId, name }: SecretId): Promise<StoredSecret | undefined> {
  const [row] = await sql<SecretRow[]>`
    select s.version, s.access_token_jwe, s.refresh_token_jwe, s.token_type, i.grant_type, i.account_id, i.status,
      nullif(s.expires_at, 'infinity') as expires_at, nullif(s.refresh_due_at, 'infinity') as refresh_due_at
    from patchbay.secrets s
    join public.integrations i on i.id = s.integration_id
    where s.integration_id = ${integrationId}::uuid and s.name = ${name}`
  return row && storedSecret(row)
}

/** The integration's tokens that are due to be refreshed ahead of their expiry and that nobody refreshes now, each with its version. */
export async function listDueSecrets(sql: Sql, integrationId: string): Promise<{ name: string; version: bigint }[]> {
  return sql<{ name: string; version: bigint }[]>`
    select name, version from patchbay.secrets
    where integration_id = ${integrationId}::uuid and refresh_due_at <= now()
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    order by name`
}

/**
 * Asks for the right to refresh the token that was read at `version`, for `leaseMs`. Asking again with the same `owner` extends the
 * lease. Undefined: no such integration, or it never got a token.
 */
export async function beginRefresh(
  sql: Sql,
  { integrationId, name }: SecretId,
  { owner, version, leaseMs }: { owner: string; version: bigint; leaseMs: number },
): Promise<RefreshTurn | undefined> {
  const [row] = await sql<(SecretRow & Pick<RefreshTurn, 'outcome'>)[]>`
    select outcome, version, access_token_jwe, refresh_token_jwe, token_type, grant_type, account_id, status,
      nullif(expires_at, 'infinity') as expires_at, nullif(refresh_due_at, 'infinity') as refresh_due_at
    from patchbay.begin_refresh(${integrationId}::uuid, ${name}, ${owner}::uuid, ${version.toString()}::bigint, ${leaseMs}::integer)`
  return row && { outcome: row.outcome, ...storedSecret(row) }
}

/** Stores what a refresh gave, if the row is still at `version`. False: it is not, and nothing was stored. */
export async function finishRefresh(
  sql: Sql,
  { integrationId, name }: SecretId,
  version: bigint,
  tokens: SealedTokens,
): Promise<boolean> {
  const [row] = await sql<{ stored: boolean }[]>`
    select patchbay.finish_refresh(
      ${integrationId}::uuid, ${name}, ${version.toString()}::bigint, ${tokens.accessTokenJwe}, ${tokens.refreshTokenJwe},
      ${tokens.tokenType}, ${tokens.scope}, ${timestamp(tokens.expiresAt)}::text::timestamptz, ${timestamp(tokens.refreshDueAt)}::text::timestamptz
    ) as stored`
  return row?.stored === true
}

/**
 * Gives the lease back after a failure. `reason` is what the owner sees once the token has expired; null where the failure is the
 * operator's to mend. The scheduler waits `retryAfterMs`, a minute at least and an hour at most.
 */
export async function releaseRefresh(
  sql: Sql,
  { integrationId, name }: SecretId,
  { owner, errorCode, reason, retryAfterMs }: { owner: string; errorCode: string; reason: string | null; retryAfterMs: number },
): Promise<void> {
  await sql`select patchbay.release_refresh(${integrationId}::uuid, ${name}, ${owner}::uuid, ${errorCode}, ${reason},
    ${Math.min(retryAfterMs, 3_600_000)}::integer)`
}

/** Says that only the owner can mend the integration. False: the token was replaced since `version`, and nothing was said. */
export async function markNeedsReauth(
  sql: Sql,
  { integrationId, name }: SecretId,
  version: bigint,
  reason: string,
): Promise<boolean> {
  const [row] = await sql<{ marked: boolean }[]>`
    select patchbay.mark_needs_reauth(${integrationId}::uuid, ${name}, ${version.toString()}::bigint, ${reason}) as marked`
  return row?.marked === true
}

/** The id of this user's integration with the account, made if need be. */
export async function reserveIntegration(
  sql: Sql,
  integration: { userId: string; provider: string; grantType: string; accountId: string; accountLabel: string },
): Promise<string> {
  const { userId, provider, grantType, accountId, accountLabel } = integration
  const [row] = await sql<[{ id: string }]>`
    select patchbay.reserve_integration(${userId}::uuid, ${provider}, ${grantType}, ${accountId}, ${accountLabel}) as id`
  return row.id
}

/** Stores the tokens of a reserved integration, by name, and puts what waited for them to work. */
export async function connectIntegration(
  sql: Sql,
  integrationId: string,
  connection: {
    grantType: GrantType
    scopes: readonly string[]
    tokens: Readonly<Record<string, Omit<SealedTokens, 'scope'>>>
    origin: Origin
  },
): Promise<void> {
  const { grantType, scopes, origin } = connection
  const tokens = Object.entries(connection.tokens).map(([name, token]) => ({
    name,
    access_token_jwe: token.accessTokenJwe,
    refresh_token_jwe: token.refreshTokenJwe,
    token_type: token.tokenType,
    expires_at: timestamp(token.expiresAt),
    refresh_due_at: timestamp(token.refreshDueAt),
  }))
  await sql`
    select patchbay.connect_integration(
      ${integrationId}::uuid, ${grantType}, string_to_array(${scopes.join(' ')}, ' '), ${JSON.stringify(tokens)}::text::jsonb,
      ${JSON.stringify(origin)}::text::jsonb
    )`
}

interface CiphertextRow {
  integration_id: string
  name: string
  version: bigint
  access_token_jwe: string
  refresh_token_jwe: string | null
}

interface SecretRow extends Omit<CiphertextRow, 'integration_id' | 'name'> {
  token_type: string
  expires_at: Date | null
  refresh_due_at: Date | null
  grant_type: GrantType
  account_id: string
  status: StoredSecret['status']
}

function storedSecret(row: SecretRow): StoredSecret {
  return {
    version: row.version,
    accessTokenJwe: row.access_token_jwe,
    refreshTokenJwe: row.refresh_token_jwe,
    tokenType: row.token_type,
    expiresAt: row.expires_at?.getTime() ?? null,
    refreshDueAt: row.refresh_due_at?.getTime() ?? null,
    grantType: row.grant_type,
    accountId: row.account_id,
    status: row.status,
  }
}

/** For `::text::timestamptz`: given as a timestamptz, the driver would read it as a date, which `infinity` is not. */
function timestamp(ms: number | null): string {
  return ms === null ? 'infinity' : new Date(ms).toISOString()
}

/** The tokens of one secret as they are stored. */
export interface Ciphertexts {
  accessTokenJwe: string
  refreshTokenJwe: string | null
}

/** One secret as it is stored, at one version. */
export interface Ciphertext extends SecretId, Ciphertexts {
  version: bigint
}

/** A token on its way to the provider's revocation, as it is stored. */
interface Revocation extends SecretId, Ciphertexts {
  id: string
}

/** Revocations with a token that another key than `otherThan` encrypted: of one day, so they are few. */
export async function listRevocations(sql: Sql, otherThan: string): Promise<Revocation[]> {
  const rows = await sql<(Omit<CiphertextRow, 'version'> & { id: string })[]>`
    select id, integration_id, name, access_token_jwe, refresh_token_jwe
    from patchbay.revocations
    where patchbay.jwe_key_id(access_token_jwe) <> ${otherThan} or patchbay.jwe_key_id(refresh_token_jwe) <> ${otherThan}`
  return rows.map((row) => ({
    id: row.id,
    integrationId: row.integration_id,
    name: row.name,
    accessTokenJwe: row.access_token_jwe,
    refreshTokenJwe: row.refresh_token_jwe,
  }))
}

/** Writes the same tokens in another encryption. */
export async function replaceRevocation(sql: Sql, { id, accessTokenJwe, refreshTokenJwe }: Revocation): Promise<void> {
  await sql`
    update patchbay.revocations set access_token_jwe = ${accessTokenJwe}, refresh_token_jwe = ${refreshTokenJwe}
    where id = ${id}::uuid`
}

/** Secrets with a token that another key than `otherThan` encrypted, in the order of their ids, after `after`. */
export async function listCiphertexts(
  sql: Sql,
  { otherThan, after, limit }: { otherThan: string; after: SecretId | null; limit: number },
): Promise<Ciphertext[]> {
  const rows = await sql<CiphertextRow[]>`
    select integration_id, name, version, access_token_jwe, refresh_token_jwe
    from patchbay.secrets
    where (${after?.integrationId ?? null}::uuid is null
        or (integration_id, name) > (${after?.integrationId ?? null}::uuid, ${after?.name ?? null}::text))
      and (patchbay.jwe_key_id(access_token_jwe) <> ${otherThan} or patchbay.jwe_key_id(refresh_token_jwe) <> ${otherThan})
    order by integration_id, name
    limit ${limit}::bigint`
  return rows.map((row) => ({
    integrationId: row.integration_id,
    name: row.name,
    version: row.version,
    accessTokenJwe: row.access_token_jwe,
    refreshTokenJwe: row.refresh_token_jwe,
  }))
}

/** The keys that stored tokens, and secrets of webhooks, are encrypted with, each with one of its ciphertexts and whose that is. */
export async function listKeyIds(sql: Sql): Promise<{ keyId: string; owner: SecretOwner; jwe: string }[]> {
  const rows = await sql<{ key_id: string; id: string; name: string | null; jwe: string }[]>`
    select distinct on (key_id) key_id, id, name, jwe
    from (
        select integration_id as id, name, access_token_jwe, refresh_token_jwe from patchbay.secrets
        union all
        select integration_id, name, access_token_jwe, refresh_token_jwe from patchbay.revocations
        union all
        select id, null, secret_jwe, null from patchbay.webhooks
      ) stored,
      unnest(array[access_token_jwe, refresh_token_jwe]) as token (jwe),
      patchbay.jwe_key_id(jwe) as key_id
    where jwe is not null
    order by key_id`
  return rows.map(({ key_id: keyId, id, name, jwe }) => ({
    keyId,
    owner: name === null ? webhookOwner(id) : secretOwner(id, name),
    jwe,
  }))
}

/** Writes the same tokens in another encryption. False: they were replaced since they were read. */
export async function replaceCiphertext(sql: Sql, secret: Ciphertext): Promise<boolean> {
  const rows = await sql`
    update patchbay.secrets
    set access_token_jwe = ${secret.accessTokenJwe}, refresh_token_jwe = ${secret.refreshTokenJwe}
    where integration_id = ${secret.integrationId}::uuid and name = ${secret.name} and version = ${secret.version.toString()}::bigint
    returning 1`
  return rows.length > 0
}
