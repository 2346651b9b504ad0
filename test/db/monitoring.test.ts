import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { explain } from '../support/explain.ts'
import { addEndpoint, addFile, addUser, connectAccount } from './rows.ts'

const queries = readQueries(readFileSync(join(import.meta.dirname, '../../docs/monitoring.sql'), 'utf8'))

// One in a hundred is broken, late or live: what an operator asks about costs that, not what there is.
const endpoints = 20_000
const files = 200_000
const runs = 200_000
const mostRowsRead = 5_000
const bigTables = ['endpoints', 'integrations', 'secrets', 'oauth_tokens', 'files', 'sync_logs', 'webhook_events', 'job_common']
/** The seed's two queries read everything, by what they ask for. */
const readsEverything = ['Get endpoints with token status', 'Get sync statistics']

describe('docs/monitoring.sql, on 20,000 endpoints with 200,000 files and 200,000 runs', () => {
  let db: TestDatabase
  let superuser: Sql
  let failing: string
  beforeAll(async () => {
    db = await createTestDatabase()
    superuser = postgres(db.urlFor('supabase_admin'), { max: 1, onnotice: () => {} })
    await fill(superuser)
    const [row] = await db.sql<{ id: string }[]>`select endpoint_id as id from patchbay.failing_endpoints limit 1`
    failing = row?.id ?? ''
  }, 180_000)
  afterAll(async () => {
    await superuser.end()
    await db[Symbol.asyncDispose]()
  })

  it.each(queries)('$title', async ({ title, text }) => {
    const cost = await explain(db.sql, text.replaceAll('your-endpoint-uuid', failing))

    expect(cost.rowsReported, 'It has something to report').toBeGreaterThan(0)
    if (readsEverything.includes(title)) return
    expect(cost.wholeTables.filter((table) => bigTables.includes(table))).toEqual([])
    expect(cost.rowsRead, cost.plan).toBeLessThanOrEqual(mostRowsRead)
  })

  it('reads each endpoint and each file once where everything is asked for', async () => {
    for (const { title, text } of queries.filter((query) => readsEverything.includes(query.title))) {
      const cost = await explain(db.sql, text)
      expect(cost.rowsRead, title).toBeLessThanOrEqual(title === 'Get sync statistics' ? files : 2 * endpoints)
    }
  })

  it.each([
    ['endpoints_failing_idx', 'endpoints', 'select * from patchbay.failing_endpoints'],
    ['integrations_status_idx', 'integrations', 'select * from patchbay.expiring_tokens'],
    ['secrets_unrenewable_idx', 'secrets', 'select * from patchbay.expiring_tokens'],
    ['sync_logs_errors_idx', 'sync_logs', 'select * from patchbay.errors_by_day'],
    ['sync_logs_slow_idx', 'sync_logs', 'select * from patchbay.slow_endpoints'],
    ['files_file_type_idx', 'files', 'select * from patchbay.files_by_type'],
  ])('needs %s', async (index, table, query) => {
    const schema = table === 'secrets' ? 'patchbay' : 'public'
    await superuser.unsafe('begin')
    await superuser.unsafe(`drop index ${schema}.${index}`)
    const cost = await explain(superuser, query)
    await superuser.unsafe('rollback')

    expect(cost.wholeTables.includes(table) || cost.rowsRead > mostRowsRead, cost.plan).toBe(true)
  })

  it('keeps the indexes of what is broken small', async () => {
    const large = await db.sql`
      select c.relname as index from pg_index i
      join pg_class c on c.oid = i.indexrelid
      join pg_class t on t.oid = i.indrelid
      where c.relname in ('endpoints_failing_idx', 'secrets_unrenewable_idx', 'sync_logs_errors_idx', 'sync_logs_slow_idx')
        and c.reltuples > t.reltuples / 20`
    expect([...large]).toEqual([])
  })
})

describe('the monitoring views', () => {
  let db: TestDatabase
  let sql: Sql
  let anna: string
  let account: string
  beforeEach(async () => {
    db = await createTestDatabase()
    sql = db.sql
    anna = await addUser(sql)
    account = await connectAccount(sql, anna)
  })
  afterEach(() => db[Symbol.asyncDispose]())

  const view = async (name: string, columns: string) => [...(await sql.unsafe(`select ${columns} from patchbay.${name}`))]
  const addRun = async (endpointId: string, columns: Record<string, unknown>, ago: string, took = '10 seconds') => {
    await sql`
      insert into public.sync_logs (endpoint_id, user_id, pass, status, error_code, started_at, finished_at)
      values (${endpointId}, ${anna}, 'full', ${String(columns['status'])}, ${(columns['error_code'] as string | undefined) ?? null},
        now() - ${ago}::interval - ${took}::interval, now() - ${ago}::interval)`
  }

  it('say of an overdue endpoint what it waits for', async () => {
    const id = await addEndpoint(sql, anna)
    expect(await view('overdue_endpoints', 'waits_for')).toEqual([])

    await sql`update public.endpoints set next_sync_at = now() - interval '3 minutes'`
    expect(await view('overdue_endpoints', 'endpoint_id, waits_for')).toEqual([{ endpoint_id: id, waits_for: 'scheduler' }])

    await sql`select patchbay.enqueue_due()`
    expect(await view('overdue_endpoints', 'waits_for')).toEqual([])
    await sql`update pgboss.job set start_after = now() - interval '3 minutes'`
    expect(await view('overdue_endpoints', 'endpoint_id, waits_for')).toEqual([{ endpoint_id: id, waits_for: 'worker' }])

    await sql`update public.endpoints set next_sync_at = now() - interval '3 minutes'`
    expect(await view('overdue_endpoints', 'waits_for'), 'once, not twice').toEqual([{ waits_for: 'worker' }])
    await sql`update pgboss.job set state = 'active'`
    expect(await view('overdue_endpoints', 'waits_for'), 'running is not overdue').toEqual([])
  })

  it('say that an endpoint waits for its account, and leave out those that are paused', async () => {
    await addEndpoint(sql, anna, { name: 'broken' })
    await addEndpoint(sql, anna, { name: 'paused', enabled: false })
    await sql`select patchbay.mark_needs_reauth(${account}, 'primary', 1, 'The user revoked the consent.')`
    await sql`update public.endpoints set next_sync_at = now() - interval '1 hour'`

    expect(await view('overdue_endpoints', 'name, waits_for')).toEqual([{ name: 'broken', waits_for: 'account' }])
  })

  it('bear a time that is none, which an operator may set', async () => {
    const id = await addEndpoint(sql, anna, { schedule_type: 'cron' })
    await addRun(id, { status: 'completed' }, '1 minute', '6 minutes')
    await sql`update public.endpoints set next_sync_at = '-infinity', created_at = now() - interval '1 hour'`

    expect(await view('overdue_endpoints', 'extract(epoch from overdue)::int / 60 as minutes')).toEqual([{ minutes: 60 }])
    expect(await view('slow_endpoints', 'name')).toEqual([])
  })

  it('say of a failing endpoint why, since when, and when it is tried again', async () => {
    const id = await addEndpoint(sql, anna)
    await addEndpoint(sql, anna, { name: 'fine' })
    await addRun(id, { status: 'failed', error_code: 'provider_unavailable' }, '5 days')
    await addRun(id, { status: 'completed' }, '4 days')
    for (const hours of [30, 20, 10]) {
      await addRun(id, { status: 'failed', error_code: 'provider_forbidden' }, `${hours} hours`, '0 seconds')
    }
    await sql`
      update public.endpoints set last_sync_status = 'failed', last_error_code = 'provider_forbidden', consecutive_failures = 3,
        last_error_message = 'The account may not.', next_sync_at = 'infinity'
      where id = ${id}`

    const columns =
      'name, last_error_code, last_error_message, consecutive_failures, next_try_at, round(extract(epoch from now() - failing_since) / 3600)::int as hours'
    expect(await view('failing_endpoints', columns)).toEqual([
      {
        name: 'Plans',
        last_error_code: 'provider_forbidden',
        last_error_message: 'The account may not.',
        consecutive_failures: 3,
        next_try_at: null,
        hours: 30,
      },
    ])
  })

  it('take a run for slow that lasts half of its schedule, and a day that is half spent', async () => {
    const [slow, quick, busy] = [
      await addEndpoint(sql, anna, { name: 'slow', interval_minutes: 10 }),
      await addEndpoint(sql, anna, { name: 'quick', interval_minutes: 60 }),
      await addEndpoint(sql, anna, { name: 'busy', interval_minutes: 1440 }),
    ]
    await addRun(slow, { status: 'completed' }, '1 hour', '6 minutes')
    await addRun(quick, { status: 'completed' }, '1 hour', '6 minutes')
    for (let part = 0; part < 8; part += 1) await addRun(busy, { status: 'partial' }, `${part * 2} hours`, '100 minutes')

    expect(await view('slow_endpoints', 'name, percent_of_period::int, percent_of_day::int, long_runs::int')).toEqual(
      expect.arrayContaining([
        { name: 'slow', percent_of_period: 60, percent_of_day: 0, long_runs: 1 },
        { name: 'busy', percent_of_period: 7, percent_of_day: 56, long_runs: 8 },
      ]),
    )
    expect(await view('slow_endpoints', 'name')).toHaveLength(2)
  })

  it('measure a cron schedule by the time until its next run', async () => {
    const id = await addEndpoint(sql, anna, { schedule_type: 'cron', schedule_cron: '*/10 * * * *', interval_minutes: null })
    await addRun(id, { status: 'completed' }, '1 minute', '6 minutes')
    await sql`update public.endpoints set next_sync_at = now() + interval '3 minutes'`

    expect(await view('slow_endpoints', 'percent_of_period::int')).toEqual([{ percent_of_period: 60 }])
    await sql`update public.endpoints set next_sync_at = 'infinity'`
    expect(await view('slow_endpoints', 'name')).toEqual([])
  })

  it('count files by endpoint and type', async () => {
    const id = await addEndpoint(sql, anna)
    for (const type of ['pdf', 'pdf', 'dwg', null]) await addFile(sql, id, anna, { file_type: type })

    expect(await view('files_by_type', 'file_type, files::int')).toEqual(
      expect.arrayContaining([
        { file_type: 'pdf', files: 2 },
        { file_type: 'dwg', files: 1 },
        { file_type: null, files: 1 },
      ]),
    )
  })

  it('name tokens that are late, that end, and that are no longer accepted, and none that is renewed in time', async () => {
    const other = async (name: string, expiresIn = '30 minutes') =>
      connectAccount(sql, await addUser(sql), { accountId: name, expiresIn })
    await other('fine')
    const late = await other('late')
    const ends = await other('ends', '3 days')
    const refused = await other('refused')
    const trying = await other('trying', '-1 minute')
    await sql`update patchbay.secrets set refresh_due_at = now() + interval '15 minutes'`
    await sql`update patchbay.secrets set refresh_due_at = now() - interval '6 minutes' where integration_id = ${late}`
    await sql`
      update patchbay.secrets set refresh_token_jwe = null, refresh_due_at = expires_at where integration_id = ${ends}`
    await sql`select patchbay.mark_needs_reauth(${refused}, 'primary', 1, 'The user revoked the consent.')`
    await sql`update public.integrations set status = 'error', status_reason = 'The provider is down.' where id = ${trying}`

    const rows = await view('expiring_tokens', 'integration_id, state')
    expect(Object.fromEntries(rows.map((row) => [row['integration_id'], row['state']]))).toEqual({
      [late]: 'late',
      [ends]: 'ends',
      [refused]: 'needs_reauth',
      [trying]: 'error',
    })
    expect(rows).toHaveLength(4)
  })

  it('count live jobs by queue and state, with the age of the oldest and those whose worker has died', async () => {
    for (const name of ['a', 'b', 'c']) await addEndpoint(sql, anna, { name })
    await sql`select patchbay.enqueue_due()`
    await sql`update pgboss.job set start_after = now() - interval '90 seconds'`
    await sql`
      update pgboss.job set state = 'active', started_on = now() - interval '5 minutes', heartbeat_on = now() - interval '1 minute'
      where id = (select id from pgboss.job limit 1)`
    await sql`update pgboss.queue set failed_count = 2 where name = 'refresh-token'`

    const columns = 'queue, state, jobs::int, ready::int, abandoned::int, round(extract(epoch from oldest))::int as seconds'
    expect(await view('queue_depth', columns)).toEqual(
      expect.arrayContaining([
        { queue: 'sync', state: 'created', jobs: 2, ready: 2, abandoned: 0, seconds: 90 },
        { queue: 'sync', state: 'active', jobs: 1, ready: 0, abandoned: 1, seconds: 300 },
        { queue: 'refresh-token', state: 'failed', jobs: 2, ready: 0, abandoned: null, seconds: null },
      ]),
    )
  })

  it('count the jobs of every queue, whatever its policy', async () => {
    await sql`select pgboss.create_queue('other', '{"policy": "standard"}')`
    await sql`insert into pgboss.job (name, policy) values ('other', 'standard')`
    await sql`update pgboss.queue set active_count = 3 where name = 'other'`

    expect(await view('queue_depth', 'queue, state, jobs::int')).toEqual(
      expect.arrayContaining([
        { queue: 'other', state: 'created', jobs: 1 },
        { queue: 'other', state: 'active', jobs: 3 },
      ]),
    )
  })

  it('say how many events of webhooks wait, and how long the others took', async () => {
    const endpointId = await addEndpoint(sql, anna)
    await sql`
      insert into patchbay.webhooks
        (id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe)
      values (gen_random_uuid(), ${endpointId}, ${account}, 'google-drive', 'google_drive', '{}', 'changes', '{}', '',
        'e30..aXY.Y2lwaGVy.dGFn')`
    const addEvent = (received: string, took: string | null) => sql`
      insert into patchbay.webhook_events (webhook_id, endpoint_id, event_key, type, changes, targets, received_at, processed_at)
      select id, endpoint_id, ${received}, 'change', true, '{}', now() - ${received}::interval, now() - ${received}::interval + ${took}::interval
      from patchbay.webhooks`
    await addEvent('3 hours', null)
    await addEvent('3 minutes', null)
    await addEvent('2 minutes', '4 seconds')
    await addEvent('1 minute', '2 seconds')
    await addEvent('2 days', '1 day')

    const columns =
      'provider, waiting::int, round(extract(epoch from oldest_waiting))::int as oldest, processed::int, average_lag::text, longest_lag::text'
    expect(await view('webhook_lag', columns)).toEqual([
      { provider: 'google-drive', waiting: 2, oldest: 10_800, processed: 2, average_lag: '00:00:03', longest_lag: '00:00:04' },
    ])
  })

  it('count errors by day', async () => {
    const [first, second] = [await addEndpoint(sql, anna), await addEndpoint(sql, anna, { name: 'other' })]
    await addRun(first, { status: 'failed', error_code: 'provider_unavailable' }, '25 hours')
    await addRun(second, { status: 'failed', error_code: 'provider_unavailable' }, '25 hours')
    await addRun(second, { status: 'failed', error_code: 'provider_forbidden' }, '1 minute')
    await addRun(second, { status: 'completed' }, '1 minute')
    await addRun(second, { status: 'failed', error_code: 'provider_forbidden' }, '40 days')

    expect(await view('errors_by_day', 'error_code, runs::int, endpoints::int')).toEqual(
      expect.arrayContaining([
        { error_code: 'provider_unavailable', runs: 2, endpoints: 2 },
        { error_code: 'provider_forbidden', runs: 1, endpoints: 1 },
      ]),
    )
    expect(await view('errors_by_day', 'day')).toHaveLength(2)
  })

  it('are nothing that a client role can read', async () => {
    const readable = await sql`
      select c.relname from pg_class c, unnest(array['anon', 'authenticated', 'service_role']) role
      where c.relkind = 'v' and c.relnamespace = 'patchbay'::regnamespace and has_table_privilege(role, c.oid, 'select')`
    expect([...readable]).toEqual([])
  })
})

interface Query {
  /** The first line of its comment. */
  title: string
  text: string
}

/** The statements of an SQL file, each of which ends a line with a semicolon and has a comment above it. */
function readQueries(file: string): Query[] {
  return file.split(/;\n/).flatMap((part) => {
    const lines = part.split('\n')
    const text = lines
      .filter((line) => !line.startsWith('--'))
      .join('\n')
      .trim()
    // Of several comments, such as the one that begins the file, the last is about the query.
    const comments = part
      .slice(0, part.search(/^(?!--|\n|$)/m))
      .trim()
      .split(/\n\n+/)
    const title = comments.at(-1)?.split('\n')[0]?.replace(/^-- /, '') ?? ''
    return text === '' ? [] : [{ title, text }]
  })
}

/** @param sql the superuser's: what triggers and constraints would say of each row is not what is tested here */
async function fill(sql: Sql): Promise<void> {
  // One that looks at a table meanwhile would keep the vacuum below from marking pages as seen by all.
  await sql.unsafe(`
    do $$
    declare
      v_table regclass;
    begin
      for v_table in
        select c.oid from pg_class c
        where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'patchbay'::regnamespace, 'pgboss'::regnamespace)
      loop
        execute format('alter table %s set (autovacuum_enabled = off)', v_table);
      end loop;
    end
    $$
  `)
  await sql.unsafe(`
    set session_replication_role = replica;
    insert into auth.users (id, email) select gen_random_uuid(), i || '@example.com' from generate_series(1, 1000) i;

    insert into public.integrations (user_id, provider, account_id, account_label, status, status_reason)
    select u.id, 'google-drive', 'account-' || i, i || '@example.com',
      case when i % 200 = 0 then 'needs_reauth' when i % 200 = 1 then 'error' else 'connected' end, 'As it is.'
    from (select id, row_number() over () as n from auth.users) u, generate_series(1, ${endpoints}) i where i % 1000 = u.n % 1000;

    insert into patchbay.secrets (integration_id, access_token_jwe, refresh_token_jwe, expires_at, refresh_due_at)
    select id, 'e30..aXY.Y2lwaGVy.dGFn', case when n % 300 > 0 then 'e30..aXY.Y2lwaGVy.dGFn' end, now() + n % 60 * interval '1 minute',
      now() + case when n % 500 = 0 then interval '-10 minutes' else (n % 60) * interval '1 minute' end
    from (select id, row_number() over () as n from public.integrations) i;

    insert into public.endpoints (
      name, endpoint_type, project_id, user_id, integration_id, next_sync_at, last_sync_at, last_sync_status, last_error_code,
      last_error_message, consecutive_failures
    )
    select 'Endpoint ' || n, 'google_drive', 'bench', user_id, id,
      now() + case when n % 200 = 7 then interval '-10 minutes' else n % 300 * interval '1 second' end, now() - interval '1 minute',
      case when n % 100 = 3 then 'failed' else 'completed' end, case when n % 100 = 3 then 'provider_unavailable' end,
      case when n % 100 = 3 then 'It is down.' end, case when n % 100 = 3 then 3 else 0 end
    from (select id, user_id, row_number() over () as n from public.integrations) i;

    insert into public.oauth_tokens (endpoint_id, integration_id, user_id, refreshable, expires_at)
    select id, integration_id, user_id, true, now() + interval '1 hour' from public.endpoints;

    create temporary table numbered on commit preserve rows as
    select id, user_id, row_number() over (order by name) - 1 as n, last_error_code is not null as failing from public.endpoints;

    insert into public.files (endpoint_id, user_id, external_file_id, file_name, file_link, file_size, file_type)
    select e.id, e.user_id, 'file-' || i, 'file-' || i, 'https://example.com/' || i, i, (array['pdf', 'dwg', 'png'])[1 + i / 7 % 3]
    from generate_series(1, ${files}) i join numbered e on e.n = i % ${endpoints};

    insert into public.sync_logs (endpoint_id, user_id, pass, status, error_code, error_message, started_at, finished_at)
    select e.id, e.user_id, 'changes', case when e.failing then 'failed' else 'completed' end,
      case when e.failing then case when i % 2 = 0 then 'provider_rate_limited' else 'provider_unavailable' end end, 'It is down.',
      started_at, started_at + case when i % 97 = 0 then interval '4 minutes' else interval '2 seconds' end
    from generate_series(1, ${runs}) i
    join numbered e on e.n = i % ${endpoints},
    lateral (select now() - i * (interval '30 days' / ${runs}) - interval '5 minutes' as started_at) at;

    insert into pgboss.job (name, state, policy, data, singleton_key, completed_on)
    select 'sync', 'completed', 'exclusive', jsonb_build_object('endpoint_id', id), id, now() from numbered, generate_series(1, 3);
    insert into pgboss.job (name, state, policy, data, singleton_key, start_after, heartbeat_seconds)
    select 'sync', 'created', 'exclusive', jsonb_build_object('endpoint_id', id), id, now() - interval '5 minutes', 15
    from numbered where n % 200 = 9;

    insert into patchbay.webhooks (id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe)
    select gen_random_uuid(), id, integration_id, 'google-drive', endpoint_type, '{}', 'changes', '{}', '', 'e30..aXY.Y2lwaGVy.dGFn'
    from public.endpoints limit 1;
    insert into patchbay.webhook_events (webhook_id, endpoint_id, event_key, type, changes, targets, received_at, processed_at)
    select w.id, w.endpoint_id, 'event-' || i, 'change', true, '{}', received_at, case when i % 200 > 0 or received_at < now() - interval '1 hour' then received_at + interval '1 second' end
    from patchbay.webhooks w, generate_series(1, 50000) i, lateral (select now() - i * interval '10 seconds' as received_at) at;

    insert into cron.job_run_details (jobid, command, status, start_time, end_time)
    select jobid, command, 'succeeded', now(), now() from cron.job where jobname = 'patchbay-dispatch';
    insert into net._http_response (id, status_code, timed_out) values (1, 202, false);
    set session_replication_role = origin;
  `)
  await sql`vacuum (analyze)`
}
