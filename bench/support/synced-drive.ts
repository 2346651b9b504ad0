import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Sql } from 'postgres'
import type { BenchDatabase } from './cluster.ts'
import type { ConnectedDrive } from './connected-drive.ts'
import { countWrites, type Writes } from './row-writes.ts'
import type { SyncWorker } from './sync-worker.ts'

/** A project that has synced a drive once, and its rows in a file, for others to write them again. */
export interface SyncedDrive {
  drive: ConnectedDrive
  /** The process that has synced it, and does so again. */
  worker: SyncWorker
  database: BenchDatabase
  /** Rows of `public.files`. */
  rows: number
  /** All of them, as COPY writes and reads them. */
  copyFile: string
}

export async function syncDrive(drive: ConnectedDrive, worker: SyncWorker, copyFile: string): Promise<SyncedDrive> {
  const database = await drive.createDatabase()
  await worker.sync(drive.order(database))
  await database.query(async (sql) => pipeline(await sql`copy public.files to stdout`.readable(), createWriteStream(copyFile)))
  return { drive, worker, database, rows: await database.query(countFiles), copyFile }
}

/** Rows a second of a first sync, into a new project. */
export async function syncRate({ drive, worker, rows }: SyncedDrive): Promise<number> {
  await using database = await drive.createDatabase()
  const { seconds } = await worker.sync(drive.order(database))
  const written = await database.query(countFiles)
  if (written !== rows) throw new Error(`The sync wrote ${written} rows; the first one wrote ${rows}.`)
  return rows / seconds
}

/** Rows a second of the whole listing once more, when nothing has changed, and what it writes. */
export async function listAgain({ drive, worker, database, rows }: SyncedDrive): Promise<{ rate: number; writes: Writes }> {
  await database.query((sql) => sql`update patchbay.sync_state set cursor = null`)
  let seconds = 0
  const writes = await countWrites(database, async () => {
    ;({ seconds } = await worker.sync(drive.order(database)))
  })
  const [run] = await database.query(
    (sql) => sql`select pass, unchanged::int from public.sync_logs order by started_at desc limit 1`,
  )
  if (run?.['pass'] !== 'full' || run['unchanged'] !== rows) throw new Error('The run was not a full listing of unchanged files.')
  return { rate: rows / seconds, writes }
}

/** Rows a second of COPY of the same rows, into the same table of a new project. */
export async function copyRate({ drive, rows, copyFile }: SyncedDrive): Promise<number> {
  await using database = await drive.createDatabase()
  const seconds = await database.query(async (sql) => {
    const begun = performance.now()
    await sql.begin(async (transaction) => {
      const table = await transaction`copy public.files from stdin`.writable()
      await pipeline(createReadStream(copyFile, { highWaterMark: 2 ** 18 }), table)
    })
    return (performance.now() - begun) / 1000
  })
  const written = await database.query(countFiles)
  if (written !== rows) throw new Error(`COPY wrote ${written} rows of ${rows}.`)
  return rows / seconds
}

async function countFiles(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*)::int from public.files`
  return row.count
}
