import { PatchbayError } from '../errors.ts'
import { asPatchbayError, interruptsJob, logFailure } from '../failure.ts'
import { randomSecret } from '../oauth/random.ts'
import { encryptFor, webhookOwner } from '../oauth/vault.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { streamFor } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import type { HookPlan, WebhookContext, WebhookDefinition } from '../sync/stream.ts'
import { webhookContext } from './webhook-context.ts'
import {
  type Behind,
  type Watch,
  activateWebhook,
  addWebhook,
  beginWatch,
  failWebhook,
  finishWatch,
  matchWebhooks,
} from './webhook-store.ts'

/**
 * Brings an endpoint's hooks in line with what its stream plans: makes what is missing, replaces what is about to expire, retires the rest.
 * A provider's failure is recorded and tried again later; it never disturbs a sync. Throws what is the database's failure, or a stop.
 */
export async function watchEndpoint(runtime: Runtime, endpointId: string): Promise<void> {
  const watch = await beginWatch(runtime.sql, endpointId)
  if (!watch) return
  const idle = isIdle(watch)
  const failure = idle ? undefined : await align(runtime, endpointId, watch).catch(orderlyFailure)
  if (failure) {
    runtime.log.warn('Webhooks could not be brought in line.', { endpointId, code: failure.code })
    logFailure(runtime.log, failure)
  }
  await finishWatch(runtime.sql, endpointId, {
    idle: idle || (!watch.enabled && !failure),
    errorCode: failure?.code ?? null,
    retryAfterMs: failure?.retryAfterMs ?? 0,
  })
}

/** Its owner has to connect the account first: until then nothing can be made or stopped. */
function isIdle({ behind }: Watch): boolean {
  return behind !== null && behind.status !== 'connected' && behind.status !== 'error'
}

/** Gives the last failure, having done what could be done. */
async function align(runtime: Runtime, endpointId: string, watch: Watch): Promise<PatchbayError | undefined> {
  const { provider, stream } = streamFor(watch.endpointType)
  const { behind } = watch
  const { webhooks, functionsUrl } = runtime.config
  const definition = webhooks && watch.enabled ? stream.webhooks : undefined
  if (!definition || !behind) {
    await matchWebhooks(runtime.sql, endpointId, { integrationId: null, functionsUrl, plan: [] })
    return undefined
  }

  const context = webhookContext(runtime, provider, definition, behind, watch.config)
  // The app sees more than this account may: what the account cannot read is nothing to be told of.
  const plan = await definition.plan(webhookContext(runtime, provider, { as: 'account' }, behind, watch.config))
  const missing = await matchWebhooks(runtime.sql, endpointId, { integrationId: behind.integrationId, functionsUrl, plan })
  let failure: PatchbayError | undefined
  // One after the other: an endpoint has few, and none of them is urgent.
  for (const order of plan.filter(({ key }) => missing.has(key))) {
    const made = createHook(runtime, { endpointId, provider, definition, context, behind, order })
    failure = (await made.catch(orderlyFailure)) ?? failure
  }
  return failure
}

interface Order {
  endpointId: string
  provider: ProviderDefinition
  definition: WebhookDefinition
  context: WebhookContext
  behind: Behind
  order: HookPlan
}

/** Each attempt has an id, and so an address, of its own: a provider refuses to make one twice, also when its first answer was lost. */
async function createHook(
  runtime: Runtime,
  { endpointId, provider, definition, context, behind, order }: Order,
): Promise<undefined> {
  const { sql, config } = runtime
  const id = crypto.randomUUID()
  const secret = randomSecret()
  const secretJwe = await encryptFor(webhookOwner(id), secret, config.tokenKeys)
  const { integrationId, clientId } = behind
  const { functionsUrl } = config
  // Before the request, as the first delivery may come before its answer.
  const row = { id, endpointId, integrationId, clientId, provider: provider.id, plan: order, functionsUrl, secretJwe }
  if (!(await addWebhook(sql, row))) return undefined

  const callbackUrl = `${functionsUrl}/webhooks/${id}`
  const expiresAt = runtime.now() + definition.lifetimeMs
  try {
    const created = await definition.create(context, { ...order, id, callbackUrl, secret, expiresAt })
    const wanted = await activateWebhook(sql, id, created)
    if (!wanted) await definition.remove(context, { id, params: order.params, external: created.external })
  } catch (error) {
    await failWebhook(sql, id, asPatchbayError(error).code)
    throw error
  }
  return undefined
}

/** What the provider did, to be recorded; throws on what the job is to be tried again for. */
function orderlyFailure(error: unknown): PatchbayError {
  const failure = asPatchbayError(error)
  if (interruptsJob(failure)) throw failure
  return failure
}
