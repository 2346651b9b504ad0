import { PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { type Credentials, openSecret, refreshSince } from './refresh.ts'
import { type SecretId, type StoredSecret, listDueSecrets, markNeedsReauth, readSecret } from './secret-store.ts'
import type { TokenSource } from './token-source.ts'

export { settleRefreshes } from './refresh.ts'

/** Clocks differ, and a request takes a while to arrive: from here on a token is used only if there is no newer one. */
const expiryMarginMs = 60_000

/** How long a caller that holds a valid token waits for a newer one at most. */
const patienceMs = 5_000

/**
 * The access tokens of one integration, kept for as long as they are good. Make one for each run. `name`: which of its tokens; by default
 * the one that API requests are sent with.
 */
export function tokenSource(
  runtime: Runtime,
  definition: ProviderDefinition,
  integrationId: string,
  name = 'primary',
): TokenSource {
  const id = { integrationId, name }
  let kept: Credentials | undefined
  return {
    get: async () => {
      if (!kept || !isFresh(kept, runtime.now())) kept = await currentCredentials(runtime, definition, id)
      return kept
    },
    renew: async (version, reason) => {
      await requireRefreshable(runtime, definition, id, { version, reason })
      kept = await refreshSince(runtime, definition, id, version)
      // Somebody's newer token may have grown old since.
      if (!isValid(kept, runtime.now())) kept = await refreshSince(runtime, definition, id, kept.version)
      return kept
    },
    refused: async (version, reason) => void (await markNeedsReauth(runtime.sql, id, version, reason)),
  }
}

/**
 * Refreshes those of the integration's tokens that are due; what the scheduler's job runs. Throws what a refresh throws, although callers
 * are still served with the old token for as long as it lasts.
 */
export async function refreshAhead(runtime: Runtime, definition: ProviderDefinition, integrationId: string): Promise<void> {
  const due = await listDueSecrets(runtime.sql, integrationId)
  const refreshes = due.map(({ name, version }) => refreshSince(runtime, definition, { integrationId, name }, version))
  // One that fails keeps none of the others from its turn.
  for (const refresh of await Promise.allSettled(refreshes)) if (refresh.status === 'rejected') throw refresh.reason
}

/** Refreshes the integration's token now, due or not. Throws what a refresh throws. */
export async function refreshNow(
  runtime: Runtime,
  definition: ProviderDefinition,
  integrationId: string,
): Promise<Pick<Credentials, 'expiresAt'>> {
  const id = { integrationId, name: 'primary' }
  const secret = await readSecret(runtime.sql, id)
  if (!secret) throw notConnected(definition, integrationId)
  // Nothing to refresh it with, and it still works: to ask would be to end it.
  const forGood = secret.grantType === 'authorization_code' && secret.refreshTokenJwe === null
  if (forGood && secret.status === 'connected' && isValid(secret, runtime.now())) return secret
  return refreshSince(runtime, definition, id, secret.version)
}

async function currentCredentials(runtime: Runtime, definition: ProviderDefinition, id: SecretId): Promise<Credentials> {
  const secret = await readSecret(runtime.sql, id)
  if (!secret || secret.status === 'disconnected') throw notConnected(definition, id.integrationId)
  if (!isValid(secret, runtime.now())) return refreshSince(runtime, definition, id, secret.version)
  const old = await openSecret(runtime, id, secret)
  if (isFresh(secret, runtime.now()) || secret.status === 'needs_reauth') return old
  return newerIfSoon(runtime, definition, id, old)
}

/** A token that was refused and that nothing can replace is its owner's to mend, for the reason that the provider gave. */
async function requireRefreshable(
  { sql }: Runtime,
  definition: ProviderDefinition,
  id: SecretId,
  { version, reason }: { version: bigint; reason: string },
): Promise<void> {
  const secret = await readSecret(sql, id)
  if (secret?.version !== version || secret.refreshTokenJwe !== null || secret.grantType !== 'authorization_code') return
  if (!(await markNeedsReauth(sql, id, version, reason))) return
  throw new PatchbayError('needs_reauth', reason, {
    context: { provider: definition.id, integrationId: id.integrationId },
    hint: 'Connect the account again.',
  })
}

function notConnected(definition: ProviderDefinition, integrationId: string): PatchbayError {
  return new PatchbayError('not_connected', `${definition.name} is not connected.`, {
    context: { provider: definition.id, integrationId },
    hint: 'Connect the account first.',
  })
}

/** A newer token if there is one soon; else the old one, which is still valid: a failed or slow refresh fails nobody. */
async function newerIfSoon(
  runtime: Runtime,
  definition: ProviderDefinition,
  id: SecretId,
  old: Credentials,
): Promise<Credentials> {
  const refresh = refreshSince(runtime, definition, id, old.version).catch(() => old)
  const remainingMs = (old.expiresAt ?? Number.POSITIVE_INFINITY) - runtime.now()
  const patience = runtime.sleep(Math.min(patienceMs, remainingMs / 2)).then(() => old)
  return Promise.race([refresh, patience])
}

type Lifetime = Pick<StoredSecret, 'expiresAt' | 'refreshDueAt'>

function isValid({ expiresAt }: Lifetime, now: number): boolean {
  return expiresAt === null || now < expiresAt
}

/** Valid, and not about to expire. A short-lived token counts as fresh until its refresh is due. */
function isFresh(token: Lifetime, now: number): boolean {
  const { expiresAt, refreshDueAt } = token
  if (!isValid(token, now)) return false
  return expiresAt === null || now < expiresAt - expiryMarginMs || (refreshDueAt !== null && now < refreshDueAt)
}
