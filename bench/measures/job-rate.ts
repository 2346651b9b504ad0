import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Measure } from '../support/bench.ts'
import { type ConnectedDrive, connectDrive } from '../support/connected-drive.ts'
import { copyEndpoint } from '../support/copy-endpoint.ts'
import { type Figure, comparison } from '../support/figures.ts'
import { startSyncWorker } from '../support/sync-worker.ts'
import { startWorkers } from '../support/worker-processes.ts'

const syncsAtATime = 10

/** Jobs a second of one, two and four workers, each job the sync of an endpoint with nothing new. */
export const jobRate: Measure = {
  name: 'job-rate',
  async run(bench) {
    const { cluster, sizes, progress } = bench
    progress.step('Connecting a drive')
    await using drive = await connectDrive(cluster, 100)
    progress.done('connected')
    const rates: Record<1 | 2 | 4, number[]> = { 1: [], 2: [], 4: [] }
    progress.step('Jobs of one, two and four workers')
    for (let round = 0; round < sizes.rounds; round += 1) {
      for (const workers of [1, 2, 4] as const) {
        rates[workers].push(await jobsPerSecond(bench, drive, workers))
        progress.progress((round + workers / 5) / sizes.rounds, `${workers} workers`)
      }
    }
    progress.done(`${sizes.rounds} rounds`)
    return [against(bench, rates, 2), against(bench, rates, 4)]
  },
}

/** More workers must not hinder each other; how much they help depends on how many processors there are. */
function against({ sizes }: Bench, rates: Record<1 | 2 | 4, number[]>, workers: 2 | 4): Figure {
  const about = `${sizes.jobs} syncs with nothing new, ${syncsAtATime} at a time each: ${workers} workers (ours) against one (theirs)`
  const rounds = { ours: rates[workers], theirs: rates[1] }
  return comparison({ measure: `job-rate: ${workers} workers`, about, unit: 'jobs/s', target: { atLeast: 0.9 } }, rounds)
}

async function jobsPerSecond({ sizes }: Bench, drive: ConnectedDrive, count: number): Promise<number> {
  await using database = await drive.createDatabase()
  {
    await using worker = await startSyncWorker()
    await worker.sync(drive.order(database))
  }
  await database.query((sql) => copyEndpoint(sql, sizes.jobs))
  await using working = new AsyncDisposableStack()
  working.use(await startWorkers(count, syncsAtATime, drive.order(database)))
  await database.query(
    (sql) => sql`
    update public.endpoints set next_sync_at = now() - interval '1 second' where name like 'Copy %'`,
  )
  await database.query((sql) => sql`select patchbay.dispatch()`)
  for (;;) {
    const [row] = await database.query(
      (sql) => sql<[{ left: number; seconds: number; failed: number }]>`
      select
        count(*) filter (where state <> 'completed')::int as left,
        extract(epoch from max(completed_on) - min(started_on))::float8 as seconds,
        (select count(*)::int from public.sync_logs where status not in ('completed', 'running')) as failed
      from pgboss.job where name = 'sync'`,
    )
    if (row.failed > 0) throw new Error(`${row.failed} syncs did not complete.`)
    if (row.left === 0) return sizes.jobs / row.seconds
    await sleep(100)
  }
}
