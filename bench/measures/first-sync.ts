import { alternate } from '../support/alternate.ts'
import type { Measure } from '../support/bench.ts'
import { comparison } from '../support/figures.ts'
import { copyRate, syncRate } from '../support/synced-drive.ts'

/** A first sync, from the first request to the last commit, against COPY of the same rows. */
export const firstSync: Measure = {
  name: 'first-sync',
  async run(bench) {
    const synced = await bench.syncedDrive()
    const rounds = await alternate(bench, 'A first sync against COPY', {
      ours: () => syncRate(synced),
      theirs: () => copyRate(synced),
    })
    const about =
      `end-to-end first sync of ${synced.rows.toLocaleString('en')} files over HTTP, against COPY of the same rows ` +
      'into the same table with its indexes and constraints'
    return [comparison({ measure: 'first-sync', about, unit: 'rows/s', target: { atLeast: 0.25 } }, rounds)]
  },
}
