import { alternate } from '../support/alternate.ts'
import type { Measure } from '../support/bench.ts'
import { comparison, worst } from '../support/figures.ts'
import { countWrites } from '../support/row-writes.ts'
import type { SyncWorker } from '../support/sync-worker.ts'
import { copyRate, type SyncedDrive } from '../support/synced-drive.ts'

/** The whole listing once more, when nothing has changed: as fast as it goes, and not one row written. */
export const unchangedListing: Measure = {
  name: 'unchanged-listing',
  async run(bench) {
    const worker = await bench.worker()
    const synced = await bench.syncedDrive()
    const written: number[] = []
    const rounds = await alternate(bench, 'An unchanged full listing against COPY', {
      ours: async () => {
        const { rate, rowWrites } = await listAgain(worker, synced)
        written.push(rowWrites)
        return rate
      },
      theirs: () => copyRate(synced),
    })
    const about = `full listing of ${synced.rows.toLocaleString('en')} files that are all known, against COPY of the same rows`
    const name = 'unchanged-listing'
    return [
      comparison({ measure: name, about, unit: 'rows/s', target: { atLeast: 0.3 } }, rounds),
      worst(
        { measure: `${name}: writes`, about: 'rows of public.files written by it', unit: 'rows', target: { exactly: 0 } },
        written,
      ),
    ]
  },
}

async function listAgain(worker: SyncWorker, synced: SyncedDrive): Promise<{ rate: number; rowWrites: number }> {
  const { drive, database, rows } = synced
  await database.query((sql) => sql`update patchbay.sync_state set cursor = null`)
  let seconds = 0
  const writes = await countWrites(database, async () => {
    ;({ seconds } = await worker.sync(drive.order(database)))
  })
  const [run] = await database.query(
    (sql) => sql`select pass, unchanged::int from public.sync_logs order by started_at desc limit 1`,
  )
  if (run?.['pass'] !== 'full' || run['unchanged'] !== rows) throw new Error('The run was not a full listing of unchanged files.')
  return { rate: rows / seconds, rowWrites: writes.rows.get('public.files') ?? 0 }
}
