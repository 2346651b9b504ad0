import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestEntry } from '../../src/sandbox/admin-contract.ts'
import type { Bench, Measure } from '../support/bench.ts'
import { type ConnectedDrive, connectDrive } from '../support/connected-drive.ts'
import { copyEndpoint } from '../support/copy-endpoint.ts'
import { worst } from '../support/figures.ts'
import { startWorkers } from '../support/worker-processes.ts'

const host = 'www.googleapis.com'
const allowed = 50
const workers = 8
// What is measured is the pace of requests, not how fast rows are written.
const filesPerPage = 20

/** Eight workers that read from one provider at once, which allows 50 requests a second. */
export const sharedLimit: Measure = {
  name: 'shared-limit',
  async run(bench) {
    bench.progress.step('Connecting a drive')
    await using drive = await connectDrive(bench.cluster, 1)
    bench.progress.done('connected')
    await drive.sandbox.addFault({
      match: { host, path: '/drive/v3/files' },
      fault: { type: 'short-page', items: filesPerPage },
      times: 'always',
    })
    await drive.sandbox.limit({ host, requests: allowed, perMs: 1000 })

    bench.progress.step(`Eight workers at a provider that allows ${allowed} requests a second`)
    const refused: number[] = []
    const unused: number[] = []
    for (let round = 0; round < bench.sizes.rounds; round += 1) {
      const requests = await syncTogether(bench, drive)
      refused.push((100 * requests.filter(({ status }) => status === 429).length) / requests.length)
      unused.push(100 - (100 * answeredPerSecond(requests)) / allowed)
      bench.progress.progress((round + 1) / bench.sizes.rounds, `round ${round + 1} of ${bench.sizes.rounds}`)
    }
    bench.progress.done(`${bench.sizes.rounds} rounds`)
    const about = `${workers} workers, ${allowed} requests a second in any window, by the provider's own count`
    return [
      worst(
        { measure: 'shared-limit: 429', about: `${about}: requests that it refused`, unit: '%', target: { atMost: 1 } },
        refused,
      ),
      worst(
        { measure: 'shared-limit: unused', about: `${about}: what nobody asked for`, unit: '%', target: { atMost: 10 } },
        unused,
      ),
    ]
  },
}

/** A first sync of one endpoint by each worker, at the same time, until there have been enough requests. Gives what the provider got. */
async function syncTogether(bench: Bench, drive: ConnectedDrive): Promise<RequestEntry[]> {
  await using database = await drive.createDatabase()
  await database.query(async (sql) => {
    await copyEndpoint(sql, workers)
    // In the provider's own unit: a request that lists takes 100.
    await sql`insert into patchbay.provider_limits values ('google-drive', 'project-units', ${allowed * 100}, 1000)`
  })
  await using working = new AsyncDisposableStack()
  working.use(await startWorkers(workers, 1, drive.order(database)))
  await drive.sandbox.clearRequests()
  await database.query(async (sql) => {
    await sql`update public.endpoints set next_sync_at = now() - interval '1 second' where name like 'Copy %'`
    await sql`select patchbay.dispatch()`
  })
  // Each begins with some requests that cost next to nothing in the provider's unit, and count as one here.
  while ((await drive.sandbox.stats()).requests < 100) await sleep(100)
  await drive.sandbox.clearRequests()
  // Enough of them, and all workers are still at it.
  while ((await drive.sandbox.stats()).requests < bench.sizes.limited) await sleep(100)
  return (await drive.sandbox.requests()).filter((request) => request.host === host)
}

/** Without the first second and the last: not all work then. */
function answeredPerSecond(requests: readonly RequestEntry[]): number {
  const times = requests.filter(({ status }) => status === 200).map(({ at }) => Date.parse(at))
  const from = Math.min(...times) + 1000
  const to = Math.max(...times) - 1000
  return (1000 * times.filter((at) => at >= from && at < to).length) / (to - from)
}
