import { alternate } from '../support/alternate.ts'
import type { Measure } from '../support/bench.ts'
import { comparison, median, worst } from '../support/figures.ts'
import { copyRate, listAgain } from '../support/synced-drive.ts'

/** The whole listing once more, when nothing has changed: how fast it is, and that it writes no row. */
export const unchangedListing: Measure = {
  name: 'unchanged-listing',
  async run(bench) {
    const synced = await bench.syncedDrive()
    const written: number[] = []
    const logged: number[] = []
    const rounds = await alternate(bench, 'An unchanged full listing against COPY', {
      ours: async () => {
        const { rate, writes } = await listAgain(synced)
        written.push(writes.rows.get('public.files') ?? 0)
        logged.push(writes.walBytes)
        return rate
      },
      theirs: () => copyRate(synced),
    })
    const about = `full listing of ${synced.rows.toLocaleString('en')} files that are all known, against COPY of the same rows`
    const writes = `rows of public.files that it writes; ${Math.round(median(logged) / synced.rows)} bytes of write-ahead log a file`
    return [
      comparison({ measure: 'unchanged-listing', about, unit: 'rows/s', target: { atLeast: 0.3 } }, rounds),
      worst({ measure: 'unchanged-listing: writes', about: writes, unit: 'rows', target: { exactly: 0 } }, written),
    ]
  },
}
