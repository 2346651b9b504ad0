import postgres from 'postgres'
import { alternate } from '../support/alternate.ts'
import type { Bench, Measure } from '../support/bench.ts'
import type { BenchDatabase } from '../support/cluster.ts'
import { comparison, median } from '../support/figures.ts'
import { fillEndpoints } from '../support/fill-endpoints.ts'

const ticksPerRound = 10

/** The scheduler's tick in a large project, against the same in a small one: it costs what is due, not what exists. */
export const dispatcherTick: Measure = {
  name: 'dispatcher-tick',
  async run(bench) {
    const { small, large, due } = bench.sizes.tick
    await using few = await createProject(bench, small)
    await using many = await createProject(bench, large)
    const rounds = await alternate(bench, 'Ticks of the scheduler', {
      ours: () => tickMs(many, due),
      theirs: () => tickMs(few, due),
    })
    const about =
      `a tick that queues ${due} due endpoints of ${large.toLocaleString('en')} (ours), against ${due} of ` +
      `${small.toLocaleString('en')} (theirs); milliseconds at the client`
    return [comparison({ measure: 'dispatcher-tick', about, unit: 'ms', target: { atMost: 3 } }, rounds)]
  },
}

async function createProject({ cluster, progress }: Bench, count: number): Promise<BenchDatabase> {
  progress.step(`Making ${count.toLocaleString('en')} endpoints`)
  const database = await cluster.createDatabase()
  await database.query((sql) => fillEndpoints(sql, { count, users: 100 }))
  progress.done('made')
  return database
}

async function tickMs(database: BenchDatabase, due: number): Promise<number> {
  const sql = postgres(database.url('postgres'), { max: 1, onnotice: () => {}, fetch_types: false })
  const spent: number[] = []
  for (let tick = 0; tick < ticksPerRound; tick += 1) {
    await sql`delete from pgboss.job`
    await sql`
      update public.endpoints set next_sync_at = now() - interval '1 second'
      where id in (select id from public.endpoints order by random() limit ${due})`
    const begun = performance.now()
    const [row] = await sql<[{ jobs: number }]>`select patchbay.dispatch() as jobs`
    spent.push(performance.now() - begun)
    if (row.jobs !== due) throw new Error(`The tick queued ${row.jobs} jobs of ${due}.`)
    await sql`update public.endpoints set next_sync_at = now() + interval '1 day' where next_sync_at < now() + interval '1 hour'`
  }
  await sql.end()
  return median(spent)
}
