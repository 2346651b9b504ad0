import postgres, { type Sql } from 'postgres'
import type { Bench, Measure } from '../support/bench.ts'
import type { BenchDatabase } from '../support/cluster.ts'
import { comparison, median } from '../support/figures.ts'
import { fillFiles } from '../support/fill-files.ts'

/** Reads the newest files of one user. */
interface Reader {
  /** What must be said before, and is not measured. */
  prepare: (userId: string) => Promise<unknown>
  read: (userId: string) => Promise<readonly unknown[]>
  plan: (userId: string) => Promise<string>
}

const pageSize = 50

/** A user's newest files under row level security, against the same query by the table's owner with a filter. */
export const rlsPage: Measure = {
  name: 'rls-page',
  async run(bench) {
    const { rows, users, reads } = bench.sizes.pages
    await using database = await bench.cluster.createDatabase()
    bench.progress.step(`Making ${rows.toLocaleString('en')} files of ${users.toLocaleString('en')} users`)
    const userIds = await database.query((sql) => fillFiles(sql, { rows, users }))
    bench.progress.done('made')

    await using connections = new AsyncDisposableStack()
    const userSql = connectAsOwner(database, connections)
    await userSql`set role authenticated`
    const things = { ours: userReader(userSql), theirs: ownerReader(connectAsOwner(database, connections)) }
    if (bench.explain) await printPlans(things, userIds[0] ?? '')

    const about =
      `a user's newest ${pageSize} of ${rows.toLocaleString('en')} files of ${users.toLocaleString('en')} users under row level security, ` +
      'against the same query by the owner of the table with a filter; milliseconds at the client'
    const rounds = await readPages(bench, things, userIds, reads)
    return [comparison({ measure: 'rls-page', about, unit: 'ms', target: { atMost: 1.5 } }, rounds)]
  },
}

/** As the Data API asks: the role and the user's claims, and no filter. */
function userReader(sql: Sql): Reader {
  return {
    prepare: (userId) =>
      sql`select set_config('request.jwt.claims', ${JSON.stringify({ sub: userId, role: 'authenticated' })}, false)`,
    read: () => sql`select * from public.files order by external_updated_at desc limit ${pageSize}`,
    plan: async () =>
      text(await sql`explain (analyze) select * from public.files order by external_updated_at desc limit ${pageSize}`),
  }
}

function ownerReader(sql: Sql): Reader {
  const page = (userId: string) =>
    sql`select * from public.files where user_id = ${userId} order by external_updated_at desc limit ${pageSize}`
  return {
    prepare: () => sql`select set_config('request.jwt.claims', '{}', false)`,
    read: page,
    plan: async (userId) => text(await sql`explain (analyze) ${page(userId)}`),
  }
}

/** The medians of each round's reads. The users are different ones each time; the first round does not count. */
async function readPages(bench: Bench, things: { ours: Reader; theirs: Reader }, userIds: readonly string[], reads: number) {
  const rounds = { ours: [] as number[], theirs: [] as number[] }
  bench.progress.step('Reading pages')
  for (let round = 0; round <= bench.sizes.rounds; round += 1) {
    const ours: number[] = []
    const theirs: number[] = []
    for (let index = 0; index < reads; index += 1) {
      const userId = userIds[Math.floor(Math.random() * userIds.length)] ?? ''
      ours.push(await milliseconds(things.ours, userId))
      theirs.push(await milliseconds(things.theirs, userId))
    }
    bench.progress.progress(round / bench.sizes.rounds, `round ${round} of ${bench.sizes.rounds}`)
    if (round === 0) continue
    rounds.ours.push(median(ours))
    rounds.theirs.push(median(theirs))
  }
  bench.progress.done(`${bench.sizes.rounds} rounds of ${reads} pages each`)
  return rounds
}

async function milliseconds({ prepare, read }: Reader, userId: string): Promise<number> {
  await prepare(userId)
  const begun = performance.now()
  const rows = await read(userId)
  const spent = performance.now() - begun
  if (rows.length !== pageSize) throw new Error(`A page has ${rows.length} files.`)
  return spent
}

async function printPlans({ ours, theirs }: { ours: Reader; theirs: Reader }, userId: string): Promise<void> {
  await ours.prepare(userId)
  process.stderr.write(
    `\nUnder row level security:\n${await ours.plan(userId)}\n\nAs the owner, with a filter:\n${await theirs.plan(userId)}\n\n`,
  )
}

function text(lines: readonly postgres.Row[]): string {
  return lines.map((line) => `  ${String(line['QUERY PLAN'])}`).join('\n')
}

function connectAsOwner(database: BenchDatabase, connections: AsyncDisposableStack): Sql {
  const sql = postgres(database.url('postgres'), { max: 1, onnotice: () => {}, fetch_types: false })
  connections.defer(() => sql.end())
  return sql
}
