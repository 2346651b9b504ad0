import { once } from 'node:events'
import { createServer } from 'node:http'
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox, type GoogleSandbox } from '../../src/sandbox/google/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { provider as googleCalendar } from '../../src/shared/providers/google-calendar/definition.ts'
import { provider as googleDrive } from '../../src/shared/providers/google-drive/definition.ts'
import { webhooks } from '../../src/shared/providers/google-drive/webhooks.ts'
import type { Delivery, HookOrder, Json } from '../../src/shared/sync/stream.ts'
import { contractOf } from '../contract/contracts.ts'
import { checkExchanges } from '../contract/operation.ts'
import { Exchanges } from '../suites/exchanges.ts'
import { connectAccount } from './drive-account.ts'

const hourMs = 3_600_000
const secret = 's'.repeat(43)

let sandbox: Sandbox
let admin: SandboxClient
let google: GoogleSandbox
let callback: Awaited<ReturnType<typeof startCallback>>
let api: ProviderApi
/** The shared drive that the sandbox has, and a folder in it. */
let driveId: string
let driveFolderId: string
const exchanges = new Exchanges()
/** Why Google no longer accepted a token. */
let refused: string[]

// Each test has a sandbox of its own: channels live on.
beforeEach(async () => {
  refused = []
  sandbox = await startSandbox({ extras: true })
  admin = sandboxClient(sandbox.url)
  google = googleSandbox(sandbox.url)
  callback = await startCallback()
  api = await connectAccount(sandbox.url, 'pat@example.com', {
    fetch: exchanges.fetch(sandbox.url),
    onRefused: (reason) => refused.push(reason),
  })
  const archive = (await google.files()).find((entry) => entry.path === '/Shared drives/Ops/Archive')
  driveId = archive?.driveId ?? ''
  driveFolderId = archive?.id ?? ''
})
afterEach(async () => {
  await sandbox.close()
  await callback.close()
})

const context = (config: Json = {}) => ({ api, config, now: Date.now })

/** The one hook of an endpoint, made at Google; and how it is read and removed. */
async function createHook(config: Json = {}, lifetimeMs = webhooks.lifetimeMs) {
  const [plan, ...others] = await webhooks.plan(context(config))
  expect(others).toEqual([])
  if (plan === undefined) throw new Error('There is no plan.')
  const order: HookOrder = {
    ...plan,
    id: randomUUID(),
    callbackUrl: callback.url,
    secret,
    expiresAt: Date.now() + lifetimeMs,
  }
  const created = await webhooks.create(context(config), order)
  const hook = { id: order.id, secret: order.secret, params: order.params, external: created.external }
  return {
    order,
    created,
    hook,
    read: (delivery: Delivery) => webhooks.read(delivery, hook),
    remove: () => webhooks.remove(context(config), hook),
  }
}

/** What has been delivered since the last call. */
async function delivered(): Promise<Delivery[]> {
  await admin.deliveries.settled()
  return callback.take()
}

const only = <T>(items: readonly T[]): T => {
  const [item, ...others] = items
  expect(others).toEqual([])
  if (item === undefined) throw new Error('There is none.')
  return item
}

describe('the plan', () => {
  it('is one hook for the feed that the endpoint reads', async () => {
    const account = { key: 'account', params: { driveId: null } }
    const drive = { key: `drive ${driveId}`, params: { driveId } }
    const { id: folderId } = await google.createFolder({ name: 'Plans' })
    expect(await webhooks.plan(context({}))).toEqual([account])
    expect(await webhooks.plan(context({ folder_id: folderId }))).toEqual([account])
    expect(await webhooks.plan(context({ drive_id: driveId }))).toEqual([drive])
    expect(await webhooks.plan(context({ folder_id: driveFolderId }))).toEqual([drive])
  })

  it('names what is wrong with the endpoint', async () => {
    await expect(webhooks.plan(context({ folder: 'x' }))).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(webhooks.plan(context({ folder_id: 'gone' }))).rejects.toMatchObject({ code: 'provider_not_found' })
  })
})

describe('a hook', () => {
  it('lasts seven days, or what Google grants', async () => {
    const asked = await createHook()
    expect(asked.created.expiresAt).toBe(asked.order.expiresAt)
    const { created } = await createHook({}, 30 * 24 * hourMs)
    expect(created.expiresAt).toBeLessThanOrEqual(Date.now() + 7 * 24 * hourMs)
  })

  it('tells of the feed that was planned, until it is removed', async () => {
    const ofAccount = await createHook({})
    const ofDrive = await createHook({ folder_id: driveFolderId })
    await delivered()
    await google.createFile({ parentId: driveFolderId, name: 'a.txt' })
    const inDrive = only(await delivered())
    expect(await ofDrive.read(inDrive)).toMatchObject({ type: 'change', about: 'changes' })
    expect(await ofAccount.read(inDrive)).toBeNull()
    await google.createFile({ name: 'b.txt' })
    expect(await ofAccount.read(only(await delivered()))).toMatchObject({ type: 'change', about: 'changes' })

    await ofDrive.remove()
    await ofAccount.remove()
    await google.createFile({ parentId: driveFolderId, name: 'c.txt' })
    await google.createFile({ name: 'd.txt' })
    expect(await delivered()).toEqual([])
  })

  it('is gone once it is removed, and when it has expired', async () => {
    const { remove } = await createHook()
    await remove()
    await expect(remove()).rejects.toMatchObject({ code: 'provider_not_found' })
    const short = await createHook({}, 60_000)
    await admin.setClockSkew(61)
    await expect(short.remove()).rejects.toMatchObject({ code: 'provider_not_found' })
  })

  it('is asked for once, as a lost answer may mean that it is there', async () => {
    await admin.addFault({ match: { path: '/drive/v3/changes/watch' }, fault: { type: 'lost-response' } })
    await expect(createHook()).rejects.toMatchObject({ code: 'provider_unreachable' })
    expect(await google.liveChannels()).toBe(1)
  })

  it('is stopped by as many requests as it takes', async () => {
    const { remove } = await createHook()
    await admin.addFault({
      match: { path: '/drive/v3/channels/stop' },
      fault: { type: 'server-error', status: 503, html: false },
    })
    await remove()
    expect(await google.liveChannels()).toBe(0)
  })

  it('costs no connection when Google does not trust the address', async () => {
    const answer = { reason: 'push.webhookUrlUnauthorized', message: 'Unauthorized WebHook callback channel' }
    await admin.addFault({
      match: { path: '/drive/v3/changes/watch' },
      fault: { type: 'error', status: 401, body: { error: { code: 401, message: answer.message, errors: [answer] } } },
    })
    await expect(createHook()).rejects.toMatchObject({ code: 'provider_rejected', context: { reason: answer.reason } })
    expect(refused).toEqual([])
  })

  it('is not made from an answer without a resource', async () => {
    await admin.addFault({
      match: { path: '/drive/v3/changes/watch' },
      fault: { type: 'error', status: 200, body: { expiration: '1795000000000' } },
    })
    await expect(createHook()).rejects.toMatchObject({ code: 'provider_answer_invalid', context: { field: 'resourceId' } })
  })
})

describe('a delivery', () => {
  it('is a greeting first, then one event for each change', async () => {
    const { read, order } = await createHook()
    expect(await read(only(await delivered()))).toEqual({ key: `${order.id}/1`, type: 'sync', about: 'nothing' })
    await google.createFile({ name: 'a.txt' })
    const first = await read(only(await delivered()))
    await google.createFile({ name: 'b.txt' })
    const second = await read(only(await delivered()))
    expect(first?.about).toBe('changes')
    expect(second?.about).toBe('changes')
    expect(second?.key).not.toBe(first?.key)
  })

  it('is the same event however often it comes', async () => {
    const { read } = await createHook()
    await delivered()
    await admin.deliveries.setCopies(2)
    await google.createFile({ name: 'a.txt' })
    const twice = await delivered()
    await admin.deliveries.setCopies(1)
    await admin.deliveries.replay()
    const events = await Promise.all([...twice, ...(await delivered())].map(read))
    expect(events).toHaveLength(3)
    expect(new Set(events.map((event) => event?.key)).size).toBe(1)
  })

  it('proves itself with the token of this channel, for this resource, or is nothing', async () => {
    const { read, hook } = await createHook()
    const { headers, body } = only(await delivered())
    const altered = (name: string, value: string | null): Delivery => {
      const copy = new Headers(headers)
      if (value === null) copy.delete(name)
      else copy.set(name, value)
      return { headers: copy, body }
    }
    expect(await read({ headers, body })).not.toBeNull()
    expect(await read({ headers: new Headers(), body: '' })).toBeNull()
    for (const [name, value] of [
      ['x-goog-channel-token', null],
      ['x-goog-channel-token', ''],
      ['x-goog-channel-token', `${hook.secret.slice(1)}t`],
      ['x-goog-channel-token', hook.secret.slice(1)],
      ['x-goog-channel-id', randomUUID()],
      ['x-goog-channel-id', null],
      ['x-goog-resource-id', 'another'],
      ['x-goog-resource-id', null],
    ] as const) {
      expect(await read(altered(name, value)), `${name}: ${value}`).toBeNull()
    }
    // The greeting may be here before Google's answer is, which names the resource.
    expect(await webhooks.read({ headers, body }, { ...hook, external: null })).toMatchObject({ about: 'nothing' })
    expect(await read(altered('x-goog-resource-state', 'changed'))).toMatchObject({ type: 'changed', about: 'changes' })
    const unread = { code: 'invalid_request', context: { field: 'x-goog-message-number' } }
    await expect(read(altered('x-goog-message-number', null))).rejects.toMatchObject(unread)
  })
})

it('sends what the official description says, and understands its answers', async () => {
  const all = (await exchanges.all()).filter(({ url }) => /watch$|stop$/.test(url.pathname))
  expect(new Set(all.map(({ url }) => url.pathname))).toEqual(new Set(['/drive/v3/changes/watch', '/drive/v3/channels/stop']))
  const contract = contractOf('google-drive')
  // One answer was cut short on purpose.
  const whole = all.filter(({ answer }) => answer?.body.includes('1795000000000') !== true)
  expect(checkExchanges({ operations: contract?.operations ?? [] }, whole)).toEqual([])
})

it('never shows a token or a secret in an address', async () => {
  await createHook()
  const called = (await admin.deliveries.list()).map(({ url }) => url)
  expect(called).toEqual([callback.url])
  const sent = (await exchanges.all()).map(({ url }) => url.href)
  expect(sent.filter((address) => address.includes(secret))).toEqual([])
})

describe('the limits', () => {
  it('are what Google publishes, and a list costs more than anything else', () => {
    const [project, user] = googleDrive.api.limits
    expect(project).toMatchObject({ per: 'app', amount: 1_000_000, periodMs: 60_000 })
    expect(user).toMatchObject({ per: 'account', amount: 325_000, periodMs: 60_000 })
    const cost = (method: string, path: string) => user?.cost({ method, path })
    for (const path of ['/files', '/files?pageSize=1', '/changes', '/drives', '/drive/v3/files'])
      expect(cost('GET', path), path).toBe(100)
    for (const path of ['/files/abc', '/changes/startPageToken', '/about']) expect(cost('GET', path), path).toBe(5)
    for (const path of ['/changes/watch', '/channels/stop']) expect(cost('POST', path), path).toBe(5)
    expect(googleCalendar.api.limits.map(({ per, amount }) => [per, amount])).toEqual([
      ['app', 10_000],
      ['account', 600],
    ])
  })
})

/** An app's callback address that takes everything. */
async function startCallback() {
  const received: Delivery[] = []
  const server = createServer((request, response) => {
    const headers = new Headers()
    for (const [name, value] of Object.entries(request.headersDistinct)) headers.set(name, value?.[0] ?? '')
    received.push({ headers, body: '' })
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/functions/v1/webhook/1`,
    take: () => received.splice(0),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
