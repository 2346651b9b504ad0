import postgres, { type Sql } from 'postgres'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { createTestEndpoint, type TestEndpoint } from '../sync/support.ts'

it('forgets runs that ended a month ago, but neither the newest of an endpoint nor one that runs', async () => {
  await using endpoint = await createTestEndpoint()
  await addRun(endpoint, { days: 50 })
  await addRun(endpoint, { days: 40 })
  await addRun(endpoint, { days: 35, running: true })
  await addRun(endpoint, { days: 29 })
  await prune(endpoint.sql)
  expect(await runs(endpoint)).toEqual([35, 29])

  await endpoint.sql`delete from public.sync_logs`
  await addRun(endpoint, { days: 400 })
  await addRun(endpoint, { days: 300 })
  await prune(endpoint.sql)
  expect(await runs(endpoint)).toEqual([300])
})

it('keeps runs for as long as its schedule says', async () => {
  await using endpoint = await createTestEndpoint()
  await addRun(endpoint, { days: 50 })
  await addRun(endpoint, { days: 40 })
  await addRun(endpoint, { days: 1 })
  await endpoint.sql`select patchbay.prune('45 days')`
  expect(await runs(endpoint)).toEqual([40, 1])
})

it('works in batches, the oldest first', async () => {
  await using endpoint = await createTestEndpoint()
  for (const days of [60, 50, 40, 1]) await addRun(endpoint, { days })
  await endpoint.sql`select patchbay.prune(p_limit => 2)`
  expect(await runs(endpoint)).toEqual([40, 1])
  await endpoint.sql`select patchbay.prune(p_limit => 2)`
  expect(await runs(endpoint)).toEqual([1])
})

it('reads what it deletes by an index, however many runs there are', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId, userId } = endpoint
  await sql`
    insert into public.sync_logs (endpoint_id, user_id, pass, status, started_at, finished_at)
    select ${endpointId}::uuid, ${userId}::uuid, 'changes', 'completed', at, at
    from (select now() - i * interval '10 minutes' as at from generate_series(1, 20000) i) past`
  await sql`analyze public.sync_logs`
  await sql.begin(async (transaction) => {
    await transaction`select patchbay.prune(p_limit => 100)`
    const [reads] = await transaction`
      select seq_scan::int, idx_tup_fetch::int from pg_stat_xact_user_tables where relname = 'sync_logs'`
    expect(reads?.['seq_scan']).toBe(0)
    // Each is read when it is found and when it goes, and one newer for each.
    expect(reads?.['idx_tup_fetch']).toBeLessThan(1000)
  })
  expect(await runs(endpoint)).toHaveLength(19_900)
})

it('forgets where limits stand that nobody has used for an hour, and who has called long ago', async () => {
  await using db = await createTestDatabase()
  await db.sql`
    insert into patchbay.permit_clocks (provider, name, counted, arrival)
    values ('p', 'n', 'old', now() - interval '2 hours'), ('p', 'n', 'new', now() - interval '1 minute')`
  await db.sql`
    insert into patchbay.rate_limits (key, points, expire)
    values ('old', 1, 1000), ('new', 1, extract(epoch from now() + interval '1 minute') * 1000)`
  await prune(db.sql)
  expect([...(await db.sql`select counted from patchbay.permit_clocks`)]).toEqual([{ counted: 'new' }])
  expect([...(await db.sql`select key from patchbay.rate_limits`)]).toEqual([{ key: 'new' }])
})

it('is scheduled, with the history of all that is', async () => {
  await using db = await createTestDatabase()
  const jobs = await db.sql<{ jobname: string; command: string }[]>`select jobname, command from cron.job order by jobname`
  expect(jobs.find(({ jobname }) => jobname === 'patchbay-prune')?.command).toBe('select patchbay.prune()')
  const own = jobs.filter(({ command }) => command.startsWith('select patchbay.'))
  const history = jobs.find(({ jobname }) => jobname === 'patchbay-forget-ticks')
  const admin = postgres(db.urlFor('supabase_admin'), { max: 1, fetch_types: false })
  for (const { command } of own) {
    await admin`insert into cron.job_run_details (command, end_time) values (${command}, now() - interval '2 days')`
  }
  await admin.end()
  await db.sql.unsafe(history!.command)
  expect(await db.sql`select from cron.job_run_details`).toHaveLength(0)
})

async function addRun({ sql, endpointId, userId }: TestEndpoint, run: { days: number; running?: true }): Promise<void> {
  await sql`
    insert into public.sync_logs (endpoint_id, user_id, pass, status, started_at, finished_at)
    select ${endpointId}::uuid, ${userId}::uuid, 'changes', ${run.running ? 'running' : 'completed'}, at,
      case when ${run.running === true}::boolean then null else at end
    from (select now() - ${run.days}::integer * interval '1 day' as at) past`
}

/** How many days ago the runs began that are left. */
async function runs({ sql }: TestEndpoint): Promise<number[]> {
  const rows = await sql<{ days: number }[]>`
    select round(extract(epoch from now() - started_at) / 86400)::int as days from public.sync_logs order by started_at`
  return rows.map(({ days }) => days)
}

async function prune(sql: Sql): Promise<void> {
  await sql`select patchbay.prune()`
}
