import { createHmac, randomUUID } from 'node:crypto'
import type { Deliveries, DeliveryPolicy } from '../../deliveries.ts'
import { extension } from '../../mime-types.ts'
import { contentOf, foldersAbove, type Folder, type Item } from '../files/entries.ts'
import type { FileEvent } from '../files/file-store.ts'
import { storageId, uuid, versionId } from '../files/ids.ts'
import { hookDetails } from './hook-details.ts'
import type { Hook, HookEvent, HookStore } from './hook-store.ts'

/** Autodesk waits for hours, and gives up after two days. https://aps.autodesk.com/en/docs/webhooks/v1/developers_guide/event-delivery-guarantees */
const policy: DeliveryPolicy = {
  timeoutMs: 6000,
  retryAfterMs: [50, 100, 200],
  judge: (status) => (status !== null && status >= 200 && status < 300 ? 'accepted' : 'again'),
}

/** Tells the hooks that watch a file's folders of what happened to it. */
export class WebhookSender {
  readonly #hooks: HookStore
  readonly #deliveries: Deliveries

  constructor(hooks: HookStore, deliveries: Deliveries) {
    this.#hooks = hooks
    this.#deliveries = deliveries
  }

  tell(event: FileEvent): void {
    const { item } = event
    const here = [...foldersAbove(item)]
    this.#send(`dm.version.${event.type}`, here, event)
    if (event.type === 'moved') this.#send('dm.version.moved.out', [event.from, ...foldersAbove(event.from)], event)
  }

  #send(name: HookEvent, folders: readonly Folder[], event: FileEvent): void {
    const watching = this.#hooks.watching(folders, name)
    if (watching.length === 0) return
    const urn = versionId(event.item.id, event.item.versions.length)
    const payload = payloadOf(event)
    for (const hook of watching) this.#deliver(hook, { version: '1.0', resourceUrn: urn, hook: hookDetails(hook), payload })
  }

  #deliver(hook: Hook, message: object): void {
    const body = JSON.stringify(message)
    const signature = hook.token === null ? undefined : createHmac('sha1', hook.token).update(body).digest('hex')
    this.#deliveries.send({
      url: hook.callbackUrl,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'x-adsk-delivery-id': randomUUID(),
        ...(signature !== undefined && { 'x-adsk-signature': `sha1hash=${signature}` }),
      },
      body,
      policy,
      wanted: () => this.#hooks.isOn(hook),
      ended: (state) => {
        if (state === 'given-up') this.#hooks.update(hook, { status: hook.autoReactivateHook ? 'reactivated' : 'inactive' })
        if (state === 'accepted' && hook.status === 'reactivated') this.#hooks.update(hook, { status: 'active' })
      },
    })
  }
}

function payloadOf(event: FileEvent): object {
  const { item, type } = event
  const { tree, parent } = item
  const urn = versionId(item.id, item.versions.length)
  const { name, size } = contentOf(item)
  const ext = extension(name)
  const person = tree.owner.account.id
  return {
    ext,
    lineageUrn: item.id,
    sizeInBytes: size ?? 0,
    source: urn,
    user_info: { id: person },
    // Only a deletion has the name that people know.
    name: type === 'deleted' ? name : `${uuid(urn)}${ext === '' ? '' : `.${ext}`}`,
    state: 'CONTENT_AVAILABLE',
    parentFolderUrn: parent.id,
    ancestors: ancestorsOf(item),
    project: tree.project.id.slice('b.'.length),
    tenant: tree.hub.id.slice('b.'.length),
    ...(type !== 'deleted' && {
      modifiedTime: eventTime(item.modified),
      hidden: item.hidden,
      indexable: true,
      version: String(item.versions.length),
      modifiedBy: person,
    }),
    ...moreOf(event, urn, storageId(tree.hub, urn, ext)),
  }
}

function moreOf(event: FileEvent, urn: string, contentURL: string): object {
  const { item } = event
  switch (event.type) {
    case 'added':
      return { creator: item.tree.owner.account.id, createdTime: eventTime(item.created) }
    case 'modified':
      return { contentURL, modification_flags: flags({ accessDefOrScopeChange: false }) }
    case 'moved':
      return {
        contentURL,
        target: urn,
        modification_flags: flags({ accessDefOrScopeChange: true }),
        context: { operation: 'Move', sourceParentFolderUrn: event.from.id },
      }
    case 'deleted':
      return {}
  }
}

/** A text with JSON in it. */
function flags({ accessDefOrScopeChange }: { accessDefOrScopeChange: boolean }): string {
  return JSON.stringify({ newVersion: false, accessDefOrScopeChange, metadataOnly: true })
}

/** From the root down. Above the project's are two of which nothing else is seen. */
function ancestorsOf(item: Item): { urn: string; name: string }[] {
  const { hub } = item.tree
  const account = hub.id.slice('b.'.length)
  const above = [uuid(`${hub.id}/hub`), `${account}-account-root-folder`]
  const shard = item.parent.id.slice(0, item.parent.id.indexOf(':co.') + ':co.'.length)
  const hidden = above.map((name) => ({ urn: `${shard}${Buffer.from(uuid(name).slice(0, 16)).toString('base64url')}`, name }))
  return [...hidden, ...[...foldersAbove(item)].toReversed().map(({ id, name }) => ({ urn: id, name }))]
}

/** Whole seconds. */
function eventTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, '+0000')
}
