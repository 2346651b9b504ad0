import { limitAddress } from '../api/limiter.ts'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError } from '../failure.ts'
import { readText } from '../http/read-text.ts'
import { requireMethod } from '../oauth/request.ts'
import { decryptFor, webhookOwner } from '../oauth/vault.ts'
import { streamFor } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import type { Delivery, WebhookEvent } from '../sync/stream.ts'
import { findWebhook, receiveWebhook } from './webhook-store.ts'

const maxBodyBytes = 1024 * 1024

/**
 * `POST /webhooks/<id>`: a provider tells of changes. Answers 200 with nothing once the delivery is in the inbox, and for one that was there
 * already; jobs do the rest. What does not prove itself is refused, and counted for its address: what does is not, as a provider delivers
 * everybody's from a few addresses.
 */
export async function handleWebhook(request: Request, runtime: Runtime): Promise<Response> {
  try {
    requireMethod(request, 'POST')
    const id = webhookIdIn(request)
    const body = await readText(request.body, maxBodyBytes)
    if (body === undefined) throw new PatchbayError('invalid_request', `The body is larger than ${maxBodyBytes} bytes.`)
    const event = await readEvent(runtime, id, { headers: request.headers, body })
    const result = await receiveWebhook(runtime.sql, id, event)
    runtime.log.debug('A webhook was delivered.', { webhookId: id, type: event.type, result })
    return new Response(null, { headers: { 'cache-control': 'no-store' } })
  } catch (error) {
    if (asPatchbayError(error).outcome === 'rejected') await limitAddress(runtime, request)
    throw error
  }
}

/** What a delivery says. Throws `unauthorized`, in the same words for a hook that there is not and for a secret that is wrong. */
async function readEvent({ sql, config }: Runtime, id: string, delivery: Delivery): Promise<WebhookEvent> {
  const hook = await findWebhook(sql, id)
  const definition = hook && streamFor(hook.endpointType).stream.webhooks
  if (!definition) throw unproven()
  const secret = await decryptFor(webhookOwner(id), hook.secretJwe, config.tokenKeys)
  const event = await definition.read(delivery, { id, secret, external: hook.external })
  if (!event) throw unproven()
  return event
}

function webhookIdIn(request: Request): string {
  const id = new URL(request.url).pathname.split('/').at(-1) ?? ''
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) return id.toLowerCase()
  throw new PatchbayError('invalid_request', 'The path does not end with the id of a webhook.', {
    context: { field: 'id' },
    hint: 'Providers get the address from Patchbay, when it asks them for the webhook.',
  })
}

function unproven(): PatchbayError {
  return new PatchbayError('unauthorized', 'This delivery does not prove that it comes from the provider.')
}
