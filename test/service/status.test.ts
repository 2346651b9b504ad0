import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { answerRequest } from '../../src/shared/endpoint.ts'
import { handleHealth, health, healthResponse } from '../../src/shared/service/health.ts'
import { status } from '../../src/shared/service/status.ts'
import { version } from '../../src/shared/version.ts'
import { createWorkerMetrics } from '../../src/worker/metrics.ts'
import { startService } from '../../src/worker/service.ts'
import { addEndpoint, addUser, connectAccount } from '../db/rows.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { createTestDatabase } from '../support/database.ts'

describe('the status', () => {
  it('counts what waits, what is due, what fails, and who has to connect again', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 2)
    const userId = await addUser(database.sql)
    const integrationId = await connectAccount(database.sql, userId)
    const other = await connectAccount(database.sql, userId, { accountId: 'account-2' })
    await database.sql`update public.integrations set status = 'needs_reauth' where id = ${other}`
    const endpoints = await Promise.all(
      ['a', 'b', 'c'].map((name) => addEndpoint(database.sql, userId, { name, integration_id: integrationId })),
    )
    await database.sql`update public.endpoints set next_sync_at = now() - interval '90 seconds' where name = 'a'`
    await database.sql`update public.endpoints set next_sync_at = now() + interval '1 hour', consecutive_failures = 4 where name = 'b'`
    await database.sql`update public.endpoints set next_sync_at = now() + interval '1 hour' where name = 'c'`
    await database.sql`select patchbay.enqueue('sync', 'endpoint_id', ${`{${endpoints.join(',')}}`}::uuid[])`
    await database.sql`update pgboss.job set start_after = now() - interval '42 seconds' where singleton_key = ${endpoints[0]!}`
    await database.sql`update pgboss.job set start_after = now() + interval '1 hour' where singleton_key = ${endpoints[1]!}`
    await database.sql`update pgboss.job set state = 'active' where singleton_key = ${endpoints[2]!}`

    const found = await status(createRuntime(sql, { ...completeEnv(), CONNECTOR_ENVIRONMENT: 'Staging' }))
    await sql.end()

    expect(found).toMatchObject({
      version,
      environment: 'staging',
      running_syncs: 1,
      endpoints: { due: 1, failing: 1 },
      integrations: { connected: 1, error: 0, needs_reauth: 1 },
      scheduler: null,
    })
    expect(found.endpoints.due_oldest_seconds).toBeCloseTo(90, -1)
    const queue = found.queues.find(({ name }) => name === 'sync')
    expect(queue).toMatchObject({ waiting: 1, delayed: 1, active: 1 })
    expect(queue?.oldest_seconds).toBeCloseTo(42, -1)
    expect(found.queues.find(({ name }) => name === 'refresh-token')).toMatchObject({ waiting: 0, oldest_seconds: null })
  })

  it('counts also what waits where a key may have one job in hand and one that waits', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 1)
    await database.sql`select patchbay.enqueue('process-webhooks', 'endpoint_id', array[gen_random_uuid(), gen_random_uuid()])`
    await database.sql`select patchbay.enqueue('process-webhooks', 'endpoint_id', array[gen_random_uuid()])`
    await database.sql`update pgboss.job set start_after = now() - interval '42 seconds'`
    await database.sql`
      update pgboss.job set state = 'retry', start_after = now() + interval '1 hour' where id = (select id from pgboss.job limit 1)`
    const { queues } = await status(createRuntime(sql, completeEnv()))
    await sql.end()

    const queue = queues.find(({ name }) => name === 'process-webhooks')
    expect(queue).toMatchObject({ waiting: 2, delayed: 1, active: 0 })
    expect(queue?.oldest_seconds).toBeCloseTo(42, -1)
  })

  it('says when the scheduler last ticked, and how that went', async () => {
    await using database = await createTestDatabase()
    const admin = connect(database.urlFor('supabase_admin'), 1)
    await admin`
      insert into cron.job_run_details (command, status, start_time) values
        ('select patchbay.dispatch()', 'succeeded', now() - interval '1 hour'),
        ('select patchbay.dispatch()', 'failed', now() - interval '20 seconds'),
        ('select 1', 'succeeded', now())`
    await admin.end()
    const sql = connect(database.url, 1)
    const { scheduler } = await status(createRuntime(sql, completeEnv()))
    await sql.end()

    expect(scheduler).toMatchObject({ status: 'failed' })
    expect(scheduler?.seconds_ago).toBeCloseTo(20, -1)
  })

  it('costs what is live, not what was ever done', async () => {
    await using database = await createTestDatabase()
    const { sql } = database
    const userId = await addUser(sql)
    const integrationId = await connectAccount(sql, userId)
    await sql`
      insert into pgboss.job (name, policy, state, singleton_key, completed_on)
      select 'sync', 'exclusive', 'completed', number::text, now() from generate_series(1, 20000) as number`
    await sql`
      insert into pgboss.job (name, policy, state, singleton_key, completed_on)
      select 'process-webhooks', 'short', 'completed', number::text, now() from generate_series(1, 20000) as number`
    await sql`
      insert into public.integrations (user_id, provider, account_id, status)
      select ${userId}::uuid, 'google-drive', 'gone ' || number, 'disconnected' from generate_series(1, 2000) as number`
    await sql`
      insert into public.endpoints (name, endpoint_type, project_id, user_id, integration_id, next_sync_at)
      select 'endpoint ' || number, 'google_drive', 'p', ${userId}::uuid, ${integrationId}::uuid, now() + interval '1 hour'
      from generate_series(1, 1000) as number`
    await sql`select patchbay.enqueue('sync', 'endpoint_id', array(select id from public.endpoints limit 10))`
    await sql`analyze pgboss.job, public.endpoints, public.integrations`

    // A connection of its own: what it has read before would be counted too.
    const alone = connect(database.url, 1)
    const read = await alone.begin(async (one) => {
      await one`select patchbay.status()`
      return one<{ relname: string; scanned: number; fetched: number }[]>`
        select relname, seq_tup_read::int as scanned, coalesce(idx_tup_fetch, 0)::int as fetched from pg_stat_xact_user_tables
        where relname in ('job_common', 'endpoints', 'integrations') order by relname`
    })
    await alone.end()

    expect(read.map(({ relname, scanned }) => ({ relname, scanned }))).toEqual([
      { relname: 'endpoints', scanned: 0 },
      { relname: 'integrations', scanned: 0 },
      { relname: 'job_common', scanned: 0 },
    ])
    for (const { fetched } of read) expect(fetched).toBeLessThanOrEqual(10)
  })

  it('has the version of package.json', () => {
    const { version: published } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(version).toBe(published)
  })
})

describe('the health', () => {
  it('is ok while the database answers, and 503 once it does not', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 1)
    const well = await health(createRuntime(sql, completeEnv()))
    expect([well, healthResponse(well).status]).toEqual([{ status: 'ok', database: 'ok' }, 200])
    await sql.end()

    const away = connect('postgresql://postgres@127.0.0.1:1/postgres', 1)
    const ill = await health(createRuntime(away, completeEnv()))
    expect([ill, healthResponse(ill).status]).toEqual([{ status: 'unavailable', database: 'unavailable' }, 503])
  })

  it('does not wait for a database that hangs', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 1)
    const busy = sql`select pg_sleep(60)`.catch(() => {})
    const runtime = createRuntime(sql, completeEnv(), { sleep: async () => {} })
    expect(await health(runtime)).toEqual({ status: 'unavailable', database: 'unavailable' })
    await sql.end({ timeout: 0 })
    await busy
  })

  it('says so to whoever asks the function, too, and a worker still gives what it has counted', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 1)
    const busy = sql`select pg_sleep(60)`.catch(() => {})
    const runtime = createRuntime(sql, completeEnv(), { sleep: async () => {} })
    const host = { openRuntime: () => runtime, log: runtime.log, inBackground: () => {} }
    const request = new Request('https://x.example/health', { headers: { 'cf-connecting-ip': '192.0.2.1' } })
    const response = await answerRequest({ auth: 'none', countsItself: true, handle: handleHealth }, request, host)
    expect([response.status, await response.json()]).toEqual([503, { status: 'unavailable', database: 'unavailable' }])

    const worker = { id: 'w', startedAt: Date.now(), isAlive: () => true }
    const service = await startService(runtime, createWorkerMetrics(), worker)
    const ask = (path: string) => fetch(`http://127.0.0.1:${service.port}/${path}`)
    expect(await (await ask('metrics')).text()).toContain('process_cpu_seconds_total')
    expect((await ask('status')).status).toBe(503)
    await service.close()
    await sql.end({ timeout: 0 })
    await busy
  })

  it('is said 600 times a minute to one address', async () => {
    await using database = await createTestDatabase()
    const sql = connect(database.url, 3)
    const runtime = createRuntime(sql, completeEnv())
    const request = () => new Request('https://x.example/health', { headers: { 'cf-connecting-ip': '192.0.2.1' } })
    expect((await handleHealth(request(), runtime)).status).toBe(200)
    await sql`update patchbay.rate_limits set points = 600`
    await expect(handleHealth(request(), runtime)).rejects.toMatchObject({ code: 'rate_limited' })
    await sql.end()
  })
})
