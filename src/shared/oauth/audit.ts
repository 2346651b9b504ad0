import type { PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import type { Runtime } from '../runtime.ts'
import type { Origin } from './origin.ts'
import type { Transaction } from './states.ts'

/**
 * Writes into the audit log that a connection was not made, and why, by its code. A transaction that is unknown has no user whose log it
 * could be in. Never fails: the caller has a failure to report already.
 */
export async function recordFailedConnect(
  { sql, log }: Runtime,
  transaction: Transaction | undefined,
  failure: PatchbayError,
  origin: Origin,
): Promise<void> {
  if (!transaction) return
  const { userId, integrationId, provider } = transaction
  const recorded = sql`
    select patchbay.record_event(
      ${userId}::uuid, ${integrationId}::uuid, ${provider}, 'connect_failed', null, null, ${failure.code},
      ${JSON.stringify(origin)}::text::jsonb
    )`
  await recorded.catch((error: unknown) => logFailure(log, asPatchbayError(error)))
}
