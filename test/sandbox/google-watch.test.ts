import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { defaultClient } from '../../src/sandbox/oauth/clients.ts'
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts'

const drive = 'https://www.googleapis.com/auth/drive.metadata.readonly'
const redirectUri = 'http://127.0.0.1:9999/callback'
const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs

const Token = z.object({ access_token: z.string() })
const StartToken = z.object({ startPageToken: z.string() })
const Channel = z.looseObject({ id: z.string(), resourceId: z.string(), resourceUri: z.string(), expiration: z.string() })
const Refusal = z.object({ error: z.object({ code: z.number(), errors: z.tuple([z.object({ reason: z.string() })]) }) })

/** A sandbox, an app of it, and the app's callback address. */
async function open(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options)
  const callback = await startCallback()
  const admin = sandboxClient(sandbox.url)
  const google = googleSandbox(sandbox.url)

  const connect = async (account = 'pat@example.com', scope = drive, clientId = defaultClient.clientId) => {
    const client = { client_id: clientId, redirect_uri: redirectUri }
    const query = { ...client, response_type: 'code', scope, state: 's' }
    const authorizeUrl = `${sandbox.url}/accounts.google.com/o/oauth2/v2/auth?${new URLSearchParams(query).toString()}`
    const code = new URL(await approveConsent(authorizeUrl, { account })).searchParams.get('code') ?? ''
    const form = { ...client, grant_type: 'authorization_code', code, client_secret: defaultClient.clientSecret }
    const answer = await fetch(`${sandbox.url}/oauth2.googleapis.com/token`, { method: 'POST', body: new URLSearchParams(form) })
    return Token.parse(await answer.json()).access_token
  }
  const call = async (bearer: string, method: string, path: string, query: Record<string, string> = {}, body?: object) => {
    const url = `${sandbox.url}/www.googleapis.com/drive/v3${path}?${new URLSearchParams(query).toString()}`
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
  const bearer = await connect()
  const position = async (query: Record<string, string> = {}) =>
    StartToken.parse((await call(bearer, 'GET', '/changes/startPageToken', query)).body).startPageToken
  const ask = async (channel: object, query: Record<string, string> = {}, as = bearer) =>
    call(
      as,
      'POST',
      '/changes/watch',
      { pageToken: await position(), ...query },
      {
        type: 'web_hook',
        address: callback.url,
        token: 'shared secret',
        ...channel,
      },
    )
  /** Makes a channel, and has its greeting. */
  const watch = async (channel: object, query: Record<string, string> = {}, as = bearer) => {
    const { status, body } = await ask(channel, query, as)
    expect(status, JSON.stringify(body)).toBe(200)
    await admin.deliveries.settled()
    return Channel.parse(body)
  }
  const stop = async (channel: object, as = bearer) => call(as, 'POST', '/channels/stop', {}, channel)
  const refusal = async (channel: object, query: Record<string, string> = {}) => {
    const { error } = Refusal.parse((await ask(channel, query)).body)
    return [error.code, error.errors[0].reason]
  }
  /** The notifications that have come since the last call, once nothing is under way. */
  const received = async () => {
    await admin.deliveries.settled()
    return callback.take()
  }
  const close = async () => {
    await sandbox.close()
    await callback.close()
  }
  return {
    url: sandbox.url,
    admin,
    google,
    callback,
    bearer,
    connect,
    call,
    ask,
    watch,
    stop,
    refusal,
    received,
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Notification {
  method: string | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** The app's server. Answers with the statuses given to `answerWith`, one after the other, and then with 204. */
async function startCallback() {
  const received: Notification[] = []
  let statuses: number[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    received.push({ method: request.method, headers: request.headers, body: await readText(request) })
    response.writeHead(statuses.shift() ?? 204).end()
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/hooks/1?channel=a`,
    take: () => received.splice(0),
    answerWith: (...next: number[]) => {
      statuses = next
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const states = (notifications: readonly Notification[]) => notifications.map(({ headers }) => headers['x-goog-resource-state'])
const number = (notification: Notification | undefined) => Number(notification?.headers['x-goog-message-number'])

describe('a channel', () => {
  it('greets with sync, and then says that something has changed, in headers alone', async () => {
    await using app = await open()
    const expiration = Date.now() + weekMs / 2
    const channel = await app.watch({ id: 'a', expiration: String(expiration) }, { includeRemoved: 'true' })
    expect(channel).toMatchObject({
      kind: 'api#channel',
      id: 'a',
      token: 'shared secret',
      expiration: String(expiration),
      resourceId: expect.stringMatching(/./),
      resourceUri: expect.stringMatching(/^https:\/\/www\.googleapis\.com\/drive\/v3\/changes\?alt=json&.*pageToken=\d+/),
    })
    const always = {
      'x-goog-channel-id': 'a',
      'x-goog-channel-token': 'shared secret',
      'x-goog-channel-expiration': new Date(expiration).toUTCString(),
      'x-goog-resource-id': channel.resourceId,
      'x-goog-resource-uri': channel.resourceUri,
    }
    const [sync, ...more] = await app.received()
    expect(sync).toMatchObject({
      method: 'POST',
      body: '',
      headers: { ...always, 'x-goog-message-number': '1', 'x-goog-resource-state': 'sync' },
    })
    expect(more).toEqual([])

    await app.google.createFile({ name: 'a.txt' })
    const [change, ...others] = await app.received()
    expect(change).toMatchObject({ method: 'POST', body: '', headers: { ...always, 'x-goog-resource-state': 'change' } })
    expect(number(change)).toBeGreaterThan(1)
    expect(others).toEqual([])
  })

  it('leaves out the token header when the app gave none', async () => {
    await using app = await open()
    await app.watch({ id: 'a', token: undefined })
    const [sync] = await app.received()
    expect(sync?.headers).not.toHaveProperty('x-goog-channel-token')
  })

  it('tells of many changes at once, each time with a higher number', async () => {
    await using app = await open()
    await app.watch({ id: 'a' })
    await app.received()
    await app.google.createFiles({ count: 1000, prefix: 'f' })
    const first = await app.received()
    expect(states(first)).toEqual(['change'])
    await app.google.createFile({ name: 'a.txt' })
    const second = await app.received()
    expect(states(second)).toEqual(['change'])
    expect(number(second[0])).toBeGreaterThan(number(first[0]))
  })

  it('tells only what changes.list would show its user', async () => {
    await using app = await open({ extras: true })
    await app.watch({ id: 'a' })
    await app.received()
    const secret = await app.google.createFile({ account: 'sam@example.com', name: 'secret.txt' })
    expect(await app.received()).toEqual([])
    await app.google.shareFile({ id: secret.id, account: 'pat@example.com', shared: true })
    expect(states(await app.received())).toEqual(['change'])
    await app.google.shareFile({ id: secret.id, account: 'pat@example.com', shared: false })
    expect(states(await app.received())).toEqual(['change'])
    await app.google.updateFile({ id: secret.id, name: 'other.txt' })
    expect(await app.received()).toEqual([])
  })

  it('of a shared drive tells of that drive, and of nothing once its user has left it', async () => {
    await using app = await open({ extras: true })
    const driveId = (await app.google.files()).find((entry) => entry.driveId !== null)?.driveId ?? ''
    const flags = { includeItemsFromAllDrives: 'true', supportsAllDrives: 'true' }
    const ofDrive = await app.watch({ id: 'drive' }, { driveId, ...flags })
    const ofUser = await app.watch({ id: 'user' })
    expect(ofDrive.resourceId).not.toBe(ofUser.resourceId)
    await app.received()
    await app.google.createFile({ parentId: driveId, name: 'a.txt' })
    expect((await app.received()).map(({ headers }) => headers['x-goog-channel-id'])).toEqual(['drive'])
    await app.google.createFile({ name: 'b.txt' })
    expect((await app.received()).map(({ headers }) => headers['x-goog-channel-id'])).toEqual(['user'])
    await app.google.setDriveMember({ driveId, account: 'pat@example.com', member: false })
    await app.google.createFile({ parentId: driveId, name: 'c.txt' })
    expect(await app.received()).toEqual([])
  })

  it('ends when it is stopped, by its user and its app only', async () => {
    await using app = await open({ clients: [defaultClient, { ...defaultClient, clientId: 'another-app' }] })
    const { id, resourceId } = await app.watch({ id: 'a' })
    await app.received()
    const sam = await app.connect('sam@example.com')
    expect(await app.stop({ id, resourceId }, sam)).toMatchObject({ status: 404 })
    const another = await app.connect('pat@example.com', drive, 'another-app')
    expect(await app.stop({ id, resourceId }, another)).toMatchObject({ status: 404 })
    expect(await app.stop({ id, resourceId: 'another' })).toMatchObject({ status: 404 })
    expect(await app.google.liveChannels()).toBe(1)
    expect(await app.stop({ id, resourceId })).toEqual({ status: 204, body: undefined })
    expect(await app.stop({ id, resourceId })).toMatchObject({
      status: 404,
      body: { error: { errors: [{ reason: 'notFound' }] } },
    })
    await app.google.createFile({ name: 'a.txt' })
    expect(await app.received()).toEqual([])
    expect(await app.google.liveChannels()).toBe(0)
  })

  it('lasts an hour unless asked for, and seven days at most', async () => {
    await using app = await open()
    const begin = Date.now()
    const usual = Number((await app.watch({ id: 'usual' })).expiration)
    const longest = Number((await app.watch({ id: 'longest', expiration: String(begin + 10 * weekMs) })).expiration)
    const end = Date.now()
    expect(usual).toBeGreaterThanOrEqual(begin + hourMs)
    expect(usual).toBeLessThanOrEqual(end + hourMs)
    expect(longest).toBeGreaterThanOrEqual(begin + weekMs)
    expect(longest).toBeLessThanOrEqual(end + weekMs)

    await app.received()
    await app.admin.setClockSkew(hourMs / 1000 + 60)
    await app.google.createFile({ name: 'a.txt' })
    expect((await app.received()).map(({ headers }) => headers['x-goog-channel-id'])).toEqual(['longest'])
    expect(await app.google.liveChannels()).toBe(1)
  })

  it('survives a restart of the sandbox, and its numbers go on', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'sandbox-'))
    try {
      const callback = await startCallback()
      const first = await open({ stateDir })
      await first.watch({ id: 'a', address: callback.url })
      await first.google.createFile({ name: 'a.txt' })
      await first.admin.deliveries.settled()
      await first.close()
      const before = callback.take()
      expect(states(before)).toEqual(['sync', 'change'])

      await using second = await open({ stateDir })
      expect(await second.google.liveChannels()).toBe(1)
      await second.google.createFile({ name: 'b.txt' })
      await second.admin.deliveries.settled()
      const after = callback.take()
      expect(states(after)).toEqual(['change'])
      expect(number(after[0])).toBeGreaterThan(number(before[1]))
      await callback.close()
    } finally {
      await rm(stateDir, { recursive: true })
    }
  })
})

describe('a watch request', () => {
  it('is refused when the channel is not in the body, or not complete', async () => {
    await using app = await open()
    const channel = { id: 'a', type: 'web_hook', address: app.callback.url }
    const inQuery = await app.call(app.bearer, 'POST', '/changes/watch', { pageToken: '1', ...channel })
    expect(inQuery).toMatchObject({ status: 400 })
    expect(await app.call(app.bearer, 'POST', '/changes/watch', channel, {})).toMatchObject({ status: 400 })
    expect(await app.refusal({ id: undefined })).toEqual([400, 'required'])
    expect(await app.refusal({ id: 'a', type: 'email' })).toEqual([400, 'channelUnknown'])
    expect(await app.refusal({ id: 'x'.repeat(65) })).toEqual([400, 'channelIdInvalid'])
    expect(await app.refusal({ id: 'a', token: 'x'.repeat(257) })).toEqual([400, 'channelTokenTooLong'])
    expect(await app.refusal({ id: 'a' }, { pageToken: '1' })).toEqual([400, 'invalid'])
    expect(await app.received()).toEqual([])
  })

  it('is refused for an expiration in seconds, and for an id that is in use', async () => {
    await using app = await open()
    const seconds = String(Math.floor((Date.now() + hourMs) / 1000))
    expect(await app.refusal({ id: 'a', expiration: seconds })).toEqual([400, 'invalidParameter'])
    await app.watch({ id: 'a' })
    expect(await app.refusal({ id: 'a' })).toEqual([400, 'channelIdNotUnique'])
  })

  it('is refused without a scope that reads the feed', async () => {
    await using app = await open()
    const openid = await app.connect('pat@example.com', 'openid')
    expect(await app.ask({ id: 'a' }, {}, openid)).toMatchObject({ status: 403 })
    expect(await app.stop({ id: 'a', resourceId: 'x' }, openid)).toMatchObject({ status: 403 })
  })

  it('wants HTTPS, except for this machine; and no other machine is ever called', async () => {
    await using app = await open()
    expect(await app.refusal({ id: 'a', address: 'http://example.com/hooks' })).toEqual([400, 'push.webhookUrlNotHttps'])
    expect(await app.refusal({ id: 'a', address: 'ftp://127.0.0.1/hooks' })).toEqual([400, 'push.webhookUrlNotHttps'])
    expect(await app.refusal({ id: 'a', address: 'nonsense' })).toEqual([400, 'push.webhookUrlNotHttps'])
    const addresses = [
      'https://example.com/hooks',
      'https://127.0.0.1.example.com/',
      'https://localhost.example.com/',
      'https://10.0.0.1/',
    ]
    for (const [index, address] of addresses.entries()) await app.watch({ id: `elsewhere-${index}`, address })
    const sent = await app.admin.deliveries.list()
    expect(sent.map(({ url, state, statuses }) => ({ url, state, statuses }))).toEqual(
      addresses.map((url) => ({ url, state: 'elsewhere', statuses: [] })),
    )
  })
})

describe('a notification', () => {
  it('is sent again after a 5xx of the app, until it is taken', async () => {
    await using app = await open()
    await app.watch({ id: 'a' })
    await app.received()
    app.callback.answerWith(503, 500, 200)
    await app.google.createFile({ name: 'a.txt' })
    const notifications = await app.received()
    expect(states(notifications)).toEqual(['change', 'change', 'change'])
    expect(new Set(notifications.map(number)).size).toBe(1)
    expect((await app.admin.deliveries.list()).at(-1)).toMatchObject({ statuses: [503, 500, 200], state: 'accepted' })
  })

  it('is dropped after any other refusal, and a redirect is one', async () => {
    await using app = await open()
    await app.watch({ id: 'a' })
    for (const status of [401, 404, 410, 302]) {
      app.callback.answerWith(status)
      await app.google.createFile({ name: `${status}.txt` })
      await app.admin.deliveries.settled()
      expect((await app.admin.deliveries.list()).at(-1)).toMatchObject({ statuses: [status], state: 'refused' })
    }
  })

  it('is not sent again for a channel that was stopped meanwhile', async () => {
    await using app = await open()
    const { id, resourceId } = await app.watch({ id: 'a' })
    await app.received()
    app.callback.answerWith(...Array.from({ length: 20 }, () => 503))
    await app.google.createFile({ name: 'a.txt' })
    await expect.poll(async () => (await app.admin.deliveries.list())[1]?.statuses).toContain(503)
    await app.stop({ id, resourceId })
    await app.received()
    expect((await app.admin.deliveries.list()).at(-1)).toMatchObject({ state: 'dropped' })
  })

  it('can come twice, be replayed, or be lost', async () => {
    await using app = await open()
    await app.watch({ id: 'a' })
    await app.received()
    await app.admin.deliveries.setCopies(2)
    await app.google.createFile({ name: 'a.txt' })
    const twice = await app.received()
    expect(states(twice)).toEqual(['change', 'change'])
    expect(number(twice[0])).toBe(number(twice[1]))

    await app.admin.deliveries.replay()
    const [replayed] = await app.received()
    expect(replayed).toEqual(twice[0])

    await app.admin.deliveries.setCopies(0)
    await app.google.createFile({ name: 'b.txt' })
    expect(await app.received()).toEqual([])
    await app.admin.deliveries.setCopies(1)
    await app.google.createFile({ name: 'c.txt' })
    expect(states(await app.received())).toEqual(['change'])
  })
})
