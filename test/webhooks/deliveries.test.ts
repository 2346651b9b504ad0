import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../api/support.ts'
import { hookSecrets, startWatched, type Watched } from './support.ts'

// Deliveries as anybody can send them: to a hook of a provider whose deliveries show the secret itself.

const type = { endpointType: 'google_drive', provider: 'google-drive' }
const unproven = { error: { code: 'unauthorized', message: expect.any(String), hint: null } }

let watched: Watched
let other: { id: string; secret: string }
let hook: { id: string; secret: string }
let resourceId: string
let number = 100

beforeAll(async () => {
  watched = await startWatched(type)
  const { sql, user, endpointId } = watched
  await sql`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, integration_id)
    select 'Another', endpoint_type, 'other', ${user.id}::uuid, integration_id from public.endpoints where id = ${endpointId}::uuid`
  await watched.tick()
  await watched.api.sandbox.deliveries.settled()
  const secrets = await hookSecrets({ sql, api: watched.api })
  const rows = await sql<{ id: string; endpoint_id: string; resource: string }[]>`
    select id, endpoint_id, external ->> 'resourceId' as resource from patchbay.webhooks`
  resourceId = rows[0]!.resource
  const of = (own: boolean) => {
    const { id } = rows.find((row) => (row.endpoint_id === endpointId) === own)!
    return { id, secret: secrets[id]! }
  }
  ;[hook, other] = [of(true), of(false)]
})
afterEach(() => watched.sql`delete from patchbay.rate_limits`)
afterAll(() => watched[Symbol.asyncDispose]())

describe('a delivery', () => {
  it('that proves itself is answered with nothing, and is in the inbox with ids alone', async () => {
    const answer = await deliver(hook, { body: '{"kind":"drive#changes","secret-of-the-user":"plan"}' })
    expect([answer.status, answer.body]).toEqual([200, undefined])
    const [event] = await watched.sql`select * from patchbay.webhook_events order by id desc limit 1`
    expect(event).toMatchObject({ webhook_id: hook.id, endpoint_id: watched.endpointId, type: 'change', processed_at: null })
    expect(JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? null : value))).not.toContain('plan')
  })

  it('that was there already is answered the same, and changes nothing', async () => {
    await deliver(hook, { number: 1000 })
    await watched.api.runJobs()
    const before = await state()
    for (const answer of await times(20, () => deliver(hook, { number: 1000 }))) expect(answer.status).toBe(200)
    expect(await state()).toEqual(before)
  })

  it('may come before one that was sent earlier', async () => {
    const before = (await inbox()).length
    for (const number of [2005, 2003, 2004]) expect((await deliver(hook, { number })).status).toBe(200)
    expect(await inbox()).toHaveLength(before + 3)
  })

  it.each([
    ['shows nothing', () => deliver({ ...hook, secret: undefined })],
    ['shows a wrong secret', () => deliver({ ...hook, secret: 'x'.repeat(43) })],
    ['shows nothing but the length of the secret', () => deliver({ ...hook, secret: '' })],
    ['shows the secret of another hook', () => deliver({ ...hook, secret: other.secret })],
    ['names another hook than its address does', () => deliver(hook, { headers: { 'x-goog-channel-id': other.id } })],
    ['is for a hook that there is not', () => deliver({ ...hook, id: randomUUID() })],
  ])('is refused in the same words, and changes nothing, when it %s', async (_what, send) => {
    const before = await state()
    const answer = await send()
    expect([answer.status, answer.body]).toEqual([401, unproven])
    expect(await state()).toEqual(before)
  })

  it('is refused in the same words when the hook never came to be', async () => {
    await watched.sql`update patchbay.webhooks set state = 'failed' where id = ${other.id}::uuid`
    expect((await deliver(other)).body).toEqual(unproven)
    await watched.sql`update patchbay.webhooks set state = 'active' where id = ${other.id}::uuid`
    expect((await deliver(other)).status).toBe(200)
  })

  it('proves nothing with a secret that was moved to another row of the table', async () => {
    const { sql } = watched
    const [row] = await sql<{ secret_jwe: string }[]>`select secret_jwe from patchbay.webhooks where id = ${hook.id}::uuid`
    await sql`update patchbay.webhooks set secret_jwe = (select secret_jwe from patchbay.webhooks where id = ${other.id}::uuid) where id = ${hook.id}::uuid`
    const answer = await deliver({ ...hook, secret: other.secret })
    await sql`update patchbay.webhooks set secret_jwe = ${row!.secret_jwe} where id = ${hook.id}::uuid`
    expect([answer.status, answer.body.error.code]).toEqual([500, 'token_undecryptable'])
  })

  it('may have 1 MiB, and not a byte more', async () => {
    expect((await deliver(hook, { body: 'a'.repeat(1024 * 1024) })).status).toBe(200)
    const answer = await deliver(hook, { body: 'a'.repeat(1024 * 1024 + 1) })
    expect([answer.status, answer.body.error]).toMatchObject([400, { code: 'invalid_request' }])
  })

  it.each(['', 'x', 'drive', `${randomUUID()}x`, `${randomUUID()}%00`, "' or 1=1 --"])(
    'needs an id in its path: %j',
    async (id) => {
      const answer = await deliver({ ...hook, id })
      expect([answer.status, answer.body.error]).toMatchObject([400, { code: 'invalid_request' }])
    },
  )

  it.each(['GET', 'PUT', 'DELETE'])('is a POST, and no %s', async (method) => {
    const answer = await watched.api.call(`webhooks/${hook.id}`, { method, headers: proof(hook) })
    expect([answer.status, answer.body.error]).toMatchObject([405, { code: 'method_not_allowed', hint: 'Use POST.' }])
  })

  it('that proves itself but cannot be read is told what is missing', async () => {
    const { 'x-goog-message-number': _number, ...headers } = proof(hook)
    const answer = await watched.api.call(`webhooks/${hook.id}`, { method: 'POST', headers })
    expect(answer.status).toBe(400)
    expect(answer.body.error.message).toContain('x-goog-message-number')
  })

  it('leaves its secret in no log and no answer', () => {
    const shown = [watched.api.runtime.logged(), ...watched.api.answers].join('\n')
    expect(shown).toContain('A webhook was delivered.')
    for (const { secret } of [hook, other]) expect(shown).not.toContain(secret)
  })
})

describe('an address', () => {
  it('may deliver as much as it likes, as long as it proves it', async () => {
    const answers = await times(700, () => deliver(hook, { headers: { 'cf-connecting-ip': '192.0.2.1' } }))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await watched.sql`select from patchbay.rate_limits`).toHaveLength(0)
  })

  it('may be refused 600 times a minute; what proves itself is taken all the same', async () => {
    const from = { headers: { 'cf-connecting-ip': '192.0.2.2' } }
    const answers = await times(650, () => deliver({ ...hook, secret: 'guess' }, from))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(600)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50)
    expect((await deliver(hook, from)).status).toBe(200)
  })
})

interface Sent {
  number?: number
  body?: string
  headers?: Record<string, string>
}

/** A delivery as the provider sends it, with what it shows. */
function deliver(
  { id, secret }: { id: string; secret: string | undefined },
  { number: shown = (number += 1), body = '', headers = {} }: Sent = {},
): Promise<Answer> {
  const all = { ...proof({ id, secret, number: shown }), ...headers }
  return watched.api.call(`webhooks/${id}`, { method: 'POST', body, headers: all })
}

function proof({ id, secret, number: shown = 1 }: { id: string; secret: string | undefined; number?: number }) {
  return {
    ...(secret !== undefined && { 'x-goog-channel-token': secret }),
    'x-goog-channel-id': id.replaceAll(/[^\w-]/g, ''),
    'x-goog-resource-id': resourceId,
    'x-goog-resource-state': 'change',
    'x-goog-message-number': String(shown),
  }
}

async function times<T>(count: number, each: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, each))
}

async function inbox(): Promise<unknown[]> {
  return [...(await watched.sql`select webhook_id, event_key, processed_at from patchbay.webhook_events order by id`)]
}

/** All that a delivery may change. */
async function state(): Promise<unknown> {
  const { sql } = watched
  return {
    inbox: await inbox(),
    jobs: [...(await sql`select name, state::text from pgboss.job order by id`)],
    endpoints: [...(await sql`select id, next_sync_at from public.endpoints order by id`)],
  }
}
