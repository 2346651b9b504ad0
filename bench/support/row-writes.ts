import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { BenchDatabase } from './cluster.ts'

/** What `work` writes: rows inserted, updated and deleted by table, and bytes of the write-ahead log. */
export interface Writes {
  rows: ReadonlyMap<string, number>
  walBytes: number
}

/** Counts what `work` writes; it must close its connections, because a session reports what it has done when it ends. */
export async function countWrites(database: BenchDatabase, work: () => Promise<unknown>): Promise<Writes> {
  const before = await database.query(readCounters)
  await work()
  const after = await database.query(readCounters)
  const rows = new Map<string, number>()
  for (const [table, count] of after.rows) {
    const written = count - (before.rows.get(table) ?? 0)
    if (written > 0) rows.set(table, written)
  }
  return { rows, walBytes: after.walBytes - before.walBytes }
}

async function readCounters(sql: Sql): Promise<{ rows: Map<string, number>; walBytes: number }> {
  await othersGone(sql)
  const tables = await sql<{ table: string; writes: string }[]>`
    select schemaname || '.' || relname as table, n_tup_ins + n_tup_upd + n_tup_del as writes from pg_stat_user_tables`
  const [log] = await sql<[{ bytes: string }]>`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes`
  return { rows: new Map(tables.map((row) => [row.table, Number(row.writes)])), walBytes: Number(log.bytes) }
}

async function othersGone(sql: Sql): Promise<void> {
  for (;;) {
    const others = await sql`
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`
    if (others.length === 0) return
    await sleep(10)
  }
}
