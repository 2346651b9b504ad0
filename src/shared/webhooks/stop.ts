import { type PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import { streamFor } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { webhookContext } from './webhook-context.ts'
import { type RetiredWebhook, deleteWebhook, findRetiredWebhook, noteStopFailure } from './webhook-store.ts'

/** From then on its expiry is waited for. */
const giveUpAfterMs = 24 * 3_600_000

/**
 * Stops a hook at its provider and forgets it. Throws what may pass by itself, so that the job is tried again, for a day. A hook that
 * cannot be stopped is forgotten too: what it still delivers is refused, and it expires by itself.
 */
export async function stopWebhook(runtime: Runtime, id: string): Promise<void> {
  const hook = await findRetiredWebhook(runtime.sql, id)
  if (!hook) return
  const late = runtime.now() >= hook.retiredAt.getTime() + giveUpAfterMs
  try {
    await removeAtProvider(runtime, hook)
  } catch (error) {
    const failure = asPatchbayError(error)
    if (!late && passes(failure)) {
      await noteStopFailure(runtime.sql, id, failure.code)
      throw failure
    }
    if (failure.code !== 'provider_not_found') {
      runtime.log.warn('A webhook could not be stopped, and is left to expire.', { webhookId: id, code: failure.code })
      logFailure(runtime.log, failure)
    }
  }
  await deleteWebhook(runtime.sql, hook)
}

async function removeAtProvider(runtime: Runtime, hook: RetiredWebhook): Promise<void> {
  const { id, params, external, expiresAt, status } = hook
  const { provider, stream } = streamFor(hook.endpointType)
  const definition = stream.webhooks
  const expired = expiresAt !== null && runtime.now() >= expiresAt.getTime()
  if (!definition || external === undefined || expired) return
  // The account's token is gone; the app's own is not.
  if (definition.as === 'account' && (status === null || status === 'disconnected')) return
  await definition.remove(webhookContext(runtime, provider, definition, hook, hook.config), { id, params, external })
}

/** By itself, or once the operator has mended it. */
function passes({ outcome }: PatchbayError): boolean {
  return outcome === 'transient' || outcome === 'config'
}
