import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import { equalBytes } from '../../oauth/random.ts'
import type { WebhookDefinition } from '../../sync/stream.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { getFolder, stopChannel, watchChanges } from './requests.ts'

/** What `create` gets back of `plan`. */
const Params = z.object({ driveId: z.string().nullable() })

/** What Google knows a channel by, besides the id that we chose. */
const External = z.object({ resourceId: z.string() })

/**
 * Push channels: one for the change feed that the endpoint reads, which is that of one shared drive, or the account's own. A channel cannot
 * be renewed, only followed by another. Google says that the feed has moved, and never how; it does not sign, and echoes the channel's
 * token. https://developers.google.com/workspace/drive/api/guides/push
 */
export const webhooks: WebhookDefinition = {
  as: 'account',
  // Seven days are the most that Google grants a channel of the change feed; without a wish it is one hour.
  lifetimeMs: 7 * 24 * 3_600_000,

  async plan({ api, config }) {
    const driveId = await findDrive(api, readScope(config))
    return [{ key: driveId === null ? 'account' : `drive ${driveId}`, params: { driveId } }]
  },

  async create({ api }, { id, params, callbackUrl, secret, expiresAt }) {
    const { driveId } = Params.parse(params)
    const channel = await watchChanges(api, driveId, { id, address: callbackUrl, token: secret, expiresAt })
    return { external: { resourceId: channel.resourceId }, expiresAt: Number(channel.expiration) }
  },

  async remove({ api }, { id, external }) {
    await stopChannel(api, id, External.parse(external).resourceId)
  },

  async read({ headers }, { id, secret, external }) {
    const token = headers.get('x-goog-channel-token')
    if (token === null || !sameText(token, secret)) return null
    if (headers.get('x-goog-channel-id') !== id) return null
    // `sync` may come before the answer that says which resource it is.
    const known = External.safeParse(external).data
    if (known !== undefined && headers.get('x-goog-resource-id') !== known.resourceId) return null

    const state = header(headers, 'x-goog-resource-state')
    const key = `${id}/${header(headers, 'x-goog-message-number')}`
    // Anything but the greeting means that there is something to read: Google's own examples name it `change` and `changed`.
    return { key, type: state, about: state === 'sync' ? 'nothing' : 'changes' }
  },
}

/** The shared drive whose feed the endpoint reads; null: the account's own. */
async function findDrive(api: Parameters<typeof getFolder>[0], scope: Scope): Promise<string | null> {
  if (scope.kind === 'account') return null
  if (scope.kind === 'drive') return scope.id
  return (await getFolder(api, scope.id)).driveId ?? null
}

function sameText(a: string, b: string): boolean {
  const encoder = new TextEncoder()
  return equalBytes(encoder.encode(a), encoder.encode(b))
}

function header(headers: Headers, name: string): string {
  const value = headers.get(name)
  if (value) return value
  throw new PatchbayError('invalid_request', `A notification of Google Drive needs the header ${name}.`, {
    context: { provider: 'google-drive', field: name },
  })
}
