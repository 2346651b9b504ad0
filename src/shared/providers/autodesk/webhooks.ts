import { base64url } from 'jose'
import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { ProviderApi } from '../../http/provider-api.ts'
import { sha256 } from '../../oauth/random.ts'
import type { Delivery, HookPlan, WebhookDefinition } from '../../sync/stream.ts'
import { VersionEvent } from './answers.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { type Account, findAccount, getAccount } from './hubs.ts'
import { getFolder, getTopFolders } from './requests.ts'

// https://aps.autodesk.com/en/docs/webhooks/v1/reference/events/data_management_events/

const events = ['dm.version.added', 'dm.version.modified', 'dm.version.moved', 'dm.version.deleted'] as const

const Params = z.object({
  event: z.enum(events),
  /** The folder that is watched, with all below it. */
  folder: z.string(),
  hub: z.string(),
  project: z.string(),
  /** Where the account's data is; undefined: Autodesk takes it for its first region. */
  region: z.string().optional(),
})
const External = z.object({ hook: z.string() })

/**
 * A hook for each kind of event on each top folder, or on the endpoint's own. They are the app's: to make one takes a scope with which
 * files can be made too, and no user should have to give that to an app that only reads.
 */
export const webhooks: WebhookDefinition = {
  as: { app: ['data:read', 'data:create'] },
  // Autodesk's have no end of their own. With one, those that an installation leaves behind go by themselves.
  lifetimeMs: 30 * 24 * 60 * 60_000,

  async plan({ api, config }) {
    const scope = readScope(config)
    const { projectId: project, folderId } = scope
    const { id: hub, region } = await accountOf(api, scope)
    const folders = folderId === undefined ? await getTopFolders(api, hub, project) : [await getFolder(api, project, folderId)]
    return folders.flatMap(({ id: folder }) => events.map((event) => toPlan({ event, folder, hub, project, region })))
  },

  async create({ api }, { params, callbackUrl, secret, expiresAt }) {
    const { event, folder, hub, project, region } = Params.parse(params)
    const { headers } = await api.send({
      method: 'POST',
      path: hooksPath(event),
      headers: inRegion(region),
      json: {
        callbackUrl,
        scope: { folder },
        hubId: hub,
        projectId: project,
        token: secret,
        hookExpiry: new Date(expiresAt).toISOString(),
        // Else some hours in which our address does not answer end it for good.
        autoReactivateHook: true,
      },
      mayBeEmpty: true,
    })
    return { external: { hook: hookIdIn(headers.get('location')) }, expiresAt }
  },

  async remove({ api }, { params, external }) {
    const { event, region } = Params.parse(params)
    const { hook } = External.parse(external)
    await api.send({
      method: 'DELETE',
      path: `${hooksPath(event)}/${encodeURIComponent(hook)}`,
      headers: inRegion(region),
      mayBeEmpty: true,
    })
  },

  async read(delivery, { secret }) {
    if (!(await isSigned(delivery, secret))) return null
    const { hook, payload } = parseDelivery(delivery.body)
    // Not `x-adsk-delivery-id`, which the signature does not cover: a delivery could be repeated under another one.
    return { key: base64url.encode(await sha256(delivery.body)), type: hook.event, about: { targets: [payload.lineageUrn] } }
  },
}

/** The project's account, and where it is; asks for no more than the endpoint leaves open. */
async function accountOf(api: ProviderApi, { projectId, hubId, region }: Scope): Promise<Account> {
  if (hubId !== undefined && region !== undefined) return { id: hubId, region }
  const account = hubId === undefined ? await findAccount(api, projectId) : await getAccount(api, hubId)
  return { id: account.id, region: region ?? account.region }
}

function toPlan({ region, ...params }: z.infer<typeof Params>): HookPlan {
  return { key: `${params.event} ${params.folder}`, params: { ...params, ...(region !== undefined && { region }) } }
}

function hooksPath(event: string): string {
  return `/webhooks/v1/systems/data/events/${event}/hooks`
}

/** Without it, or with a wrong one, Autodesk does not find the folder. */
function inRegion(region: string | undefined): Record<string, string> {
  return region === undefined ? {} : { 'x-ads-region': region }
}

/** The answer has no body: its `Location` ends with the new hook's id. */
function hookIdIn(location: string | null): string {
  const id = location?.split(/[?#]/)[0]?.split('/').at(-1)
  if (id) return id
  throw unreadable('Autodesk made a webhook and did not say which.', 'location')
}

/**
 * `x-adsk-signature: sha1hash=<hex>`, the HMAC of the body; `verify` compares in constant time.
 * https://aps.autodesk.com/en/docs/webhooks/v1/developers_guide/basics/#secret-token
 */
async function isSigned({ headers, body }: Delivery, secret: string): Promise<boolean> {
  const [, hex] = /^sha1hash=((?:[\da-f]{2}){20})$/i.exec(headers.get('x-adsk-signature') ?? '') ?? []
  if (hex === undefined) return false
  const hmac = { name: 'HMAC', hash: 'SHA-1' }
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), hmac, false, ['verify'])
  const signature = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  return crypto.subtle.verify('HMAC', key, signature, new TextEncoder().encode(body))
}

function parseDelivery(body: string): z.infer<typeof VersionEvent> {
  const parsed = VersionEvent.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') || 'body'
  throw unreadable(`Autodesk delivered a webhook that Patchbay does not understand: ${field}.`, field)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(message: string, field: string): PatchbayError {
  return new PatchbayError('provider_answer_invalid', message, { context: { provider: 'autodesk', field } })
}
