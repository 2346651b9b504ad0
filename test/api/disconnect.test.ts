import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { startTestApi, type TestApi, type TestUser } from './support.ts'
import { addEndpoint } from '../db/rows.ts'
import { until } from '../support/until.ts'

let api: TestApi
let pat: TestUser
const google = () => api.sandbox.control('google-drive')
const revocation = { host: 'oauth2.googleapis.com', path: '/revoke' }

beforeAll(async () => {
  api = await startTestApi({ root: import.meta.dirname })
})
afterEach(async () => {
  await api.sandbox.clearFaults()
  await api.sql`delete from auth.users`
  await api.sql`delete from patchbay.revocations`
  await api.sql`delete from patchbay.rate_limits`
  await api.sql`delete from pgboss.job`
  for (const { name } of await google().accounts()) await google().revokeGrants(name)
})
afterAll(() => api[Symbol.asyncDispose]())

describe('disconnecting', () => {
  it('takes the tokens away at once, and a job ends the grant at the provider', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    expect(await google().liveGrants('pat@example.com')).toBe(1)
    expect(await disconnect()).toEqual({ status: 'disconnected' })
    expect(await api.sql`select from patchbay.secrets`).toHaveLength(0)
    expect(await status()).toMatchObject({ status: 'disconnected', hasValidToken: false, reason: 'Disconnected by its owner.' })
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(0)
    expect(await api.sql`select from patchbay.revocations`).toHaveLength(0)
    expect(await events()).toEqual(['connected', 'disconnected', 'revoked'])
  })

  it('may be asked for again, and for what was never connected', async () => {
    pat = await api.signUp()
    expect(await disconnect()).toEqual({ status: 'disconnected' })
    await api.connect(pat, 'google-drive')
    const both = await Promise.all([disconnect(), disconnect(), disconnect()])
    expect(both).toEqual(both.map(() => ({ status: 'disconnected' })))
    expect(await events()).toEqual(['connected', 'disconnected'])
    expect(await api.sql`select from patchbay.revocations`).toHaveLength(1)
  })

  it('does not wait for a provider that is down; the job is tried again until it answers', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    await api.sandbox.addFault({ match: revocation, fault: { type: 'server-error', status: 503 }, times: 1 })
    expect(await disconnect()).toEqual({ status: 'disconnected' })
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(1)
    expect(await jobs()).toEqual([{ state: 'retry', retry_count: 0 }])
    // What the queue's pause would bring.
    await api.sql`update pgboss.job set start_after = now()`
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(0)
    expect(await jobs()).toEqual([{ state: 'completed', retry_count: 1 }])
    expect(await events()).toEqual(['connected', 'disconnected', 'revoked'])
  })

  it('leaves a grant alone that the same account has meanwhile been connected with again', async () => {
    pat = await api.signUp()
    const integrationId = await api.connect(pat, 'google-drive')
    await disconnect()
    await api.connect(pat, 'google-drive', { integrationId })
    await api.runJobs()
    expect((await api.call('integrations/google-drive/refresh', { user: pat, body: {} })).status).toBe(200)
    expect(await events()).toEqual(['connected', 'disconnected', 'connected', 'revocation_skipped'])
  })

  it('counts a token that the provider no longer knows as ended', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    await google().revokeGrants('pat@example.com')
    await disconnect()
    await api.runJobs()
    expect(await events()).toEqual(['connected', 'disconnected', 'revoked'])
  })

  it('says what its owner can do where the provider has no way to end a token', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'outlook')
    await api.call('integrations/outlook/disconnect', { user: pat, body: {} })
    await api.runJobs()
    const [line] = await api.sql`select event, reason from public.audit_log order by created_at desc limit 1`
    expect(line).toEqual({ event: 'revocation_skipped', reason: expect.stringContaining('remove the app') })
  })

  it.each(['autodesk', 'jobber', 'procore', 'slack'])('ends the connection at %s as well', async (provider) => {
    pat = await api.signUp()
    await api.connect(pat, provider)
    const control = api.sandbox.control(provider)
    const [account] = await control.accounts()
    expect(await control.liveGrants(account!.name)).toBe(1)
    await api.call(`integrations/${provider}/disconnect`, { user: pat, body: {} })
    await api.runJobs()
    expect(await api.sql`select from patchbay.secrets`).toHaveLength(0)
    expect(await control.liveGrants(account!.name)).toBe(0)
  })
})

describe('a grant that connections share', () => {
  it('ends with the last of them, whoever has them', async () => {
    // Two users of the app who both connected the same account.
    pat = await api.signUp()
    const eve = await api.signUp()
    await api.connect(pat, 'google-drive')
    await api.connect(eve, 'google-drive')
    await disconnect(pat)
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBeGreaterThan(0)
    expect((await api.call('integrations/google-drive/refresh', { user: eve, body: {} })).status).toBe(200)
    await disconnect(eve)
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(0)
  })

  it('is also shared by two providers of one app', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    await api.connect(pat, 'google-calendar')
    await disconnect()
    await api.runJobs()
    const refreshed = await api.call('integrations/google-calendar/refresh', { user: pat, body: {} })
    expect(refreshed.body).toMatchObject({ status: 'authenticated' })
    await api.call('integrations/google-calendar/disconnect', { user: pat, body: {} })
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(0)
  })
})

describe('what was synced', () => {
  it('stays, unless its owner asks otherwise', async () => {
    const { endpointId } = await syncedEndpoint()
    const before = await rows(endpointId)
    expect(before.files).toBeGreaterThan(0)
    expect(before.cursor).not.toBeNull()
    await disconnect()
    expect(await rows(endpointId)).toEqual(before)
    await disconnect(pat, { delete_rows: true })
    expect(await rows(endpointId)).toEqual({ files: 0, folders: 0, cursor: null })
  })

  it('goes on after the account is connected again: same integration, same endpoints', async () => {
    const { endpointId, integrationId } = await syncedEndpoint()
    await disconnect(pat, { delete_rows: true })
    await api.runJobs()
    expect(await endpoint(endpointId)).toMatchObject({ integration_id: integrationId, due: false })
    expect(await api.connect(pat, 'google-drive', { integrationId })).toBe(integrationId)
    expect(await endpoint(endpointId)).toMatchObject({ integration_id: integrationId, due: true })
    await api.sql`select patchbay.dispatch()`
    await api.runJobs()
    expect((await rows(endpointId)).files).toBeGreaterThan(0)
    expect(await endpoint(endpointId)).toMatchObject({ last_sync_status: 'completed' })
  })

  it('is not written to by a run that was under way', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    const endpointId = await addEndpoint(api.sql, pat.id)
    await api.sandbox.clearRequests()
    await api.sandbox.addFault({ match: { path: '/drive/v3/files' }, fault: { type: 'delay', ms: 1000 }, times: 'always' })
    const running = runSync(api.runtime, endpointId, { deadline: Date.now() + 60_000, pages: 100 }).catch(
      (error: unknown) => error,
    )
    await until(async () => (await api.sandbox.requests()).some(({ path }) => path.startsWith('/drive/v3/files')))
    await disconnect(pat, { delete_rows: true })
    await running
    expect(await rows(endpointId)).toEqual({ files: 0, folders: 0, cursor: null })
    expect(await api.sql`select status, error_code from public.sync_logs`).toEqual([
      { status: 'failed', error_code: 'not_connected' },
    ])
  })
})

describe('deleting', () => {
  it('the user ends the connections of theirs as well', async () => {
    pat = await api.signUp()
    await api.connect(pat, 'google-drive')
    await api.sql`delete from auth.users where id = ${pat.id}::uuid`
    await api.runJobs()
    expect(await google().liveGrants('pat@example.com')).toBe(0)
    expect(await api.sql`select from patchbay.revocations`).toHaveLength(0)
  })
})

async function syncedEndpoint(): Promise<{ endpointId: string; integrationId: string }> {
  pat = await api.signUp()
  const integrationId = await api.connect(pat, 'google-drive')
  const endpointId = await addEndpoint(api.sql, pat.id)
  await api.sql`select patchbay.dispatch()`
  await api.runJobs()
  return { endpointId, integrationId }
}

async function disconnect(user = pat, body: object = {}): Promise<unknown> {
  return (await api.call('integrations/google-drive/disconnect', { user, body })).body
}

async function status(): Promise<unknown> {
  return (await api.call('integrations/google-drive/status', { user: pat })).body
}

async function rows(endpointId: string) {
  const [row] = await api.sql`
    select (select count(*)::integer from public.files where endpoint_id = ${endpointId}::uuid) as files,
      (select count(*)::integer from patchbay.folders where endpoint_id = ${endpointId}::uuid) as folders,
      (select cursor from patchbay.sync_state where endpoint_id = ${endpointId}::uuid) as cursor`
  return row!
}

async function endpoint(id: string) {
  const [row] = await api.sql`
    select integration_id, last_sync_status, next_sync_at <= now() as due from public.endpoints where id = ${id}::uuid`
  return row
}

async function jobs() {
  return api.sql`select state, retry_count from pgboss.job where name = 'revoke-token'`
}

async function events(): Promise<string[]> {
  const lines = await api.sql<{ event: string }[]>`select event from public.audit_log order by created_at`
  return lines.map(({ event }) => event)
}
