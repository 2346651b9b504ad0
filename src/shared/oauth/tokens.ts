import { PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { type Credentials, openSecret, refreshSince } from './refresh.ts'
import { type StoredSecret, readSecret } from './secret-store.ts'
import type { TokenSource } from './token-source.ts'

export { settleRefreshes } from './refresh.ts'

/** Clocks differ, and a request takes a while to arrive: from here on a token is used only if there is no newer one. */
const expiryMarginMs = 60_000

/** How long a caller that holds a valid token waits for a newer one at most. */
const patienceMs = 5_000

/** The access tokens of one integration, kept for as long as they are good. Make one for each run. */
export function tokenSource(runtime: Runtime, definition: ProviderDefinition, integrationId: string): TokenSource {
  let kept: Credentials | undefined
  return {
    get: async () => {
      if (!kept || !isFresh(kept, runtime.now())) kept = await currentCredentials(runtime, definition, integrationId)
      return kept
    },
    renew: async (version) => {
      kept = await refreshSince(runtime, definition, integrationId, version)
      // Somebody's newer token may have grown old since.
      if (!isValid(kept, runtime.now())) kept = await refreshSince(runtime, definition, integrationId, kept.version)
      return kept
    },
  }
}

/**
 * Refreshes the integration's token if it is due; what the scheduler's job runs. Throws what a refresh throws, although callers are
 * still served with the old token for as long as it lasts.
 */
export async function refreshAhead(runtime: Runtime, definition: ProviderDefinition, integrationId: string): Promise<void> {
  const secret = await readSecret(runtime.sql, integrationId)
  if (!secret || secret.refreshDueAt === null || secret.refreshDueAt > runtime.now()) return
  await refreshSince(runtime, definition, integrationId, secret.version)
}

async function currentCredentials(runtime: Runtime, definition: ProviderDefinition, integrationId: string): Promise<Credentials> {
  const secret = await readSecret(runtime.sql, integrationId)
  if (!secret || secret.status === 'disconnected') {
    throw new PatchbayError('not_connected', `${definition.name} is not connected.`, {
      context: { provider: definition.id, integrationId },
      hint: 'Connect the account first.',
    })
  }
  if (!isValid(secret, runtime.now())) return refreshSince(runtime, definition, integrationId, secret.version)
  const old = await openSecret(runtime, integrationId, secret)
  if (isFresh(secret, runtime.now()) || secret.status === 'needs_reauth') return old
  return newerIfSoon(runtime, definition, integrationId, old)
}

/** A newer token if there is one soon; else the old one, which is still valid: a failed or slow refresh fails nobody. */
async function newerIfSoon(
  runtime: Runtime,
  definition: ProviderDefinition,
  integrationId: string,
  old: Credentials,
): Promise<Credentials> {
  const refresh = refreshSince(runtime, definition, integrationId, old.version).catch(() => old)
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
