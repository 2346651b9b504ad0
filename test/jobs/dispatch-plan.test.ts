import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillEndpoints } from '../../bench/support/fill-endpoints.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const due = 100

let db: TestDatabase

beforeAll(async () => {
  db = await createTestDatabase()
  const admin = postgres(db.urlFor('supabase_admin'), { max: 1, fetch_types: false, onnotice: () => {} })
  await fillEndpoints(admin, { count: 100_000, users: 1000 })
  await admin.end()
})
afterAll(() => db[Symbol.asyncDispose]())

it('reads next to nothing when nothing is due', async () => {
  const { jobs, tables } = await readsOf(db)
  expect(jobs).toBe(0)
  expect(tables['endpoints']?.seq_tup_read).toBe(0)
  // The planner looks at the ends of an index.
  expect(tables['endpoints']?.idx_tup_fetch).toBeLessThan(20)
})

it('reads what is due of 100,000 endpoints, and by indexes only', async () => {
  await db.sql`update public.endpoints set next_sync_at = now() where id in (select id from public.endpoints limit ${due})`
  const reads = await readsOf(db)
  expect(reads.jobs).toBe(due)
  for (const table of ['endpoints', 'integrations', 'targets', 'watches', 'secrets']) {
    const { seq_tup_read: scanned, idx_tup_fetch: fetched } = reads.tables[table] ?? { seq_tup_read: 0, idx_tup_fetch: 0 }
    expect([table, scanned]).toEqual([table, 0])
    // Found, looked up again to be locked, and once more to be moved on.
    expect(fetched).toBeLessThanOrEqual(4 * due)
  }
})

/** Rows that a tick reads, by table. In a session of its own, which has read nothing before. */
async function readsOf({ url }: TestDatabase) {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  const found = await sql.begin(async (transaction) => {
    const [row] = await transaction<[{ jobs: number }]>`select patchbay.dispatch() as jobs`
    const tables = await transaction<{ relname: string; seq_tup_read: number; idx_tup_fetch: number }[]>`
      select relname, seq_tup_read::int, coalesce(idx_tup_fetch, 0)::int as idx_tup_fetch from pg_stat_xact_user_tables
      where schemaname in ('public', 'patchbay')`
    return { jobs: row.jobs, tables: Object.fromEntries(tables.map(({ relname, ...reads }) => [relname, reads])) }
  })
  await sql.end()
  return found
}
