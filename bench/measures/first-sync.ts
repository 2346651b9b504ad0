import { alternate } from '../support/alternate.ts'
import type { Bench, Measure } from '../support/bench.ts'
import { type Figure, type Target, comparison } from '../support/figures.ts'
import { type SyncedDrive, copyRate, syncRate } from '../support/synced-drive.ts'

/** A first sync, from the first request to the last commit, against COPY of the same rows. */
export const firstSync: Measure = {
  name: 'first-sync',
  run: async (bench) => [await againstCopy(bench, 'first-sync', await bench.syncedDrive(), { atLeast: 0.25 })],
}

/** The same of a project whose folders are listed one by one, at most 200 items at a time. */
export const projectFirstSync: Measure = {
  name: 'project-first-sync',
  run: async (bench) => [await againstCopy(bench, 'project-first-sync', await bench.syncedProject(), { atLeast: 0.25 })],
}

async function againstCopy(bench: Bench, measure: string, synced: SyncedDrive, target: Target): Promise<Figure> {
  const rounds = await alternate(bench, `${measure} against COPY`, {
    ours: () => syncRate(synced),
    theirs: () => copyRate(synced),
  })
  const about =
    `end-to-end first sync of ${synced.rows.toLocaleString('en')} files over HTTP, against COPY of the same rows ` +
    'into the same table with its indexes and constraints'
  return comparison({ measure, about, unit: 'rows/s', target }, rounds)
}
