import type { Measure } from '../support/bench.ts'
import { worst } from '../support/figures.ts'
import { countWrites } from '../support/row-writes.ts'

/** A run when nothing has happened since the last one. */
export const quiet: Measure = {
  name: 'quiet',
  async run({ sizes, progress, syncedDrive }) {
    const { drive, worker, database } = await syncedDrive()
    progress.step('A quiet run')
    const requests: number[] = []
    const written: number[] = []
    const elsewhere = new Set<string>()
    for (let round = 0; round < sizes.rounds; round += 1) {
      await drive.sandbox.clearRequests()
      const { rows } = await countWrites(database, () => worker.sync(drive.order(database)))
      requests.push((await drive.sandbox.stats()).requests)
      written.push(rows.get('public.files') ?? 0)
      elsewhere.add([...rows].map(([table, count]) => `${table} ${count}`).join(', '))
    }
    progress.done(`${sizes.rounds} rounds`)
    return [
      worst(
        { measure: 'quiet: requests', about: 'to the provider, by its own count', unit: 'requests', target: { exactly: 1 } },
        requests,
      ),
      worst(
        {
          measure: 'quiet: writes',
          about: `rows of public.files; rows of all tables: ${[...elsewhere].join(' or ')}`,
          unit: 'rows',
          target: { exactly: 0 },
        },
        written,
      ),
    ]
  },
}
