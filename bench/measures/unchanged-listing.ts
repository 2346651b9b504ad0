import { alternate } from '../support/alternate.ts'
import type { Bench, Measure } from '../support/bench.ts'
import { type Figure, type Target, comparison, median, worst } from '../support/figures.ts'
import { type SyncedDrive, copyRate, listAgain } from '../support/synced-drive.ts'

/** The whole listing once more, when nothing has changed: how fast it is, and that it writes no row. */
export const unchangedListing: Measure = {
  name: 'unchanged-listing',
  run: async (bench) => againstCopy(bench, 'unchanged-listing', await bench.syncedDrive(), { atLeast: 0.3 }),
}

/** The same of a project, which has no change feed: each of its runs is one. */
export const projectUnchangedListing: Measure = {
  name: 'project-unchanged-listing',
  run: async (bench) => againstCopy(bench, 'project-unchanged-listing', await bench.syncedProject(), { atLeast: 0.3 }),
}

async function againstCopy(bench: Bench, measure: string, synced: SyncedDrive, target: Target): Promise<Figure[]> {
  const written: number[] = []
  const logged: number[] = []
  const rounds = await alternate(bench, `${measure} against COPY`, {
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
    comparison({ measure, about, unit: 'rows/s', target }, rounds),
    worst({ measure: `${measure}: writes`, about: writes, unit: 'rows', target: { exactly: 0 } }, written),
  ]
}
