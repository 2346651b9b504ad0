import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres, { type Sql } from 'postgres'
import { prepareDatabase } from '../../src/local/database.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { noTelemetry } from '../../src/local/telemetry.ts'
import { addEndpoint, addUser, connectAccount } from '../db/rows.ts'
import { connectEveryProvider } from '../suites/live-integrations.ts'
import { Checks } from '../support/checks.ts'
import { binDir, missingPackages, startCluster, type Cluster } from './cluster.ts'

// What the embedded Postgres cannot show, because it has none of Debian's extensions: the migrations on PostgreSQL 15, a tick of the
// real pg_cron, and the Supabase CLI's own lints.

const missing = missingPackages()
if (missing.length > 0) {
  console.log(`This needs Debian's PostgreSQL 15 and its extensions. As root: apt-get install ${missing.join(' ')}`)
  process.exit(1)
}

const checks = new Checks()
await using cluster = await startCluster()
await checks.check('all migrations apply to PostgreSQL 15', () => prepareDatabase(cluster.url, ownProjectDir, cluster.dir))
if (checks.failed === 0) {
  // Alone, and before anything makes extensions: pg_cron 1.4 may miss for good that jobs were scheduled, when others write to the
  // catalog before its first look at them. The tick comes on the minute.
  await checks.check('a tick of pg_cron queues a job for a due endpoint', () => withSql(cluster, 'postgres', seeTickDispatch))
  await checks.check('pgTAP and plpgsql_check find nothing wrong', () => proveSql(cluster))
  await checks.check('supabase db lint finds nothing', () => supabase(cluster, 'db', 'lint', '--fail-on', 'warning'))
  await checks.check('supabase db advisors find nothing', () => supabase(cluster, 'db', 'advisors', '--fail-on', 'warn'))
  await checks.check('pg_dump of a live integration of every provider has none of their tokens', () => dumpWithoutTokens(cluster))
  await checks.check('supabase db reset brings back an empty project', () => resetDatabase(cluster))
}
checks.end()

async function seeTickDispatch(sql: Sql): Promise<void> {
  const userId = await addUser(sql)
  await connectAccount(sql, userId)
  const endpointId = await addEndpoint(sql, userId)

  const end = performance.now() + 90_000
  const queued = async () => (await sql`select from pgboss.job where name = 'sync' and singleton_key = ${endpointId}`).length > 0
  while (!(await queued())) {
    if (performance.now() > end) {
      const runs = await sql`select status, return_message from cron.job_run_details order by start_time`
      throw new Error(`No job after 90 seconds. What pg_cron ran: ${JSON.stringify(runs)}`)
    }
    await sleep(250)
  }
}

/** pg_prove is what "supabase test db" runs, in a container. */
async function proveSql({ port, url }: Cluster): Promise<void> {
  await withSql({ url }, 'supabase_admin', async (sql) => {
    for (const extension of ['pgtap', 'plpgsql_check'])
      await sql.unsafe(`create extension if not exists ${extension} with schema extensions`)
  })
  const files = globSync('supabase/tests/*.sql', { cwd: ownProjectDir }).toSorted()
  const env = {
    PATH: process.env['PATH'] ?? '',
    PGPASSWORD: 'postgres',
    PGOPTIONS: '-c search_path=public,extensions -c client_min_messages=warning',
  }
  const args = ['--host=127.0.0.1', `--port=${port}`, '--username=postgres', '--dbname=postgres', ...files]
  await promisify(execFile)('pg_prove', args, { env, cwd: ownProjectDir })
}

async function dumpWithoutTokens({ port, url }: Cluster): Promise<void> {
  await using live = await connectEveryProvider(url('postgres'))
  const { accountIds, secrets } = live
  const args = ['--host=127.0.0.1', `--port=${port}`, '--username=supabase_admin', '--dbname=postgres']
  const env = { PATH: process.env['PATH'] ?? '', PGPASSWORD: 'postgres' }
  const { stdout: dump } = await promisify(execFile)(`${binDir}/pg_dump`, args, { env, maxBuffer: 2 ** 28 })
  const missing = accountIds.filter((id) => !dump.includes(id))
  if (missing.length > 0) throw new Error(`The dump does not have the accounts ${missing.join(', ')}.`)
  const found = secrets.filter((secret) => dump.includes(secret)).length
  if (found > 0) throw new Error(`The dump has ${found} of ${secrets.length} tokens, codes and secrets in clear.`)
}

async function resetDatabase(cluster: Cluster): Promise<void> {
  // Hosted, postgres may drop and create these extensions without being a superuser (supautils); nothing here offers that.
  await withSql(cluster, 'supabase_admin', (sql) => sql`alter role postgres superuser`)
  await supabase(cluster, 'db', 'reset', '--yes')
  await withSql(cluster, 'postgres', async (sql) => {
    const [row] = await sql`select
      (select count(*)::int from public.endpoints) as endpoints,
      (select count(*)::int from cron.job where jobname in ('patchbay-dispatch', 'patchbay-sweep')) as jobs,
      (select count(*)::int from pgboss.queue where name in ('sync', 'refresh-token', 'revoke-token')) as queues`
    if (row?.['endpoints'] !== 0 || row['jobs'] !== 2 || row['queues'] !== 3)
      throw new Error(`After the reset: ${JSON.stringify(row)}`)
  })
}

async function supabase({ dir, url }: Cluster, ...command: string[]): Promise<void> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('supabase/package.json')), 'dist/supabase.js')
  const args = [cli, ...command, `--workdir=${ownProjectDir}`, `--remote=${url('postgres')}?sslmode=disable`]
  const env = { ...noTelemetry, HOME: join(dir, 'cli'), PATH: process.env['PATH'] ?? '', NO_COLOR: '1' }
  await promisify(execFile)(process.execPath, args, { env, cwd: ownProjectDir })
}

async function withSql(cluster: Pick<Cluster, 'url'>, role: string, work: (sql: Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(cluster.url(role), { max: 1, onnotice: () => {} })
  try {
    await work(sql)
  } finally {
    await sql.end()
  }
}
