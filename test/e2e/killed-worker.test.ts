import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { until } from '../support/until.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

const kills = 25
const files = 20_000
/** Many small pages, so that there are moments enough to be killed at. */
const pageItems = 50

it('promise 2: nothing lost, nothing invented, with kill -9 at 25 random moments of one sync', async () => {
  await using drive = await startConnectedDrive()
  const sandbox = sandboxClient(drive.sandboxUrl)
  const google = googleSandbox(drive.sandboxUrl)
  await google.createFiles({ count: files, prefix: 'file ' })
  await sandbox.addFault({ match: { path: '/drive/v3/files' }, fault: { type: 'short-page', items: pageItems }, times: 'always' })
  await sandbox.clearRequests()
  await drive.sql`update pgboss.queue set retry_delay = 0`
  await dispatch(drive.sql)

  for (let kill = 0; kill < kills; kill += 1) {
    const worker = await startWorker(drive)
    await sleep(randomInt(10, 250))
    worker.kill('SIGKILL')
    await once(worker, 'close')
    expect(await runStates(drive)).not.toContain('completed')
    // The heartbeat would run out after 15 s; nothing is gained by waiting for it.
    await drive.sql`update pgboss.job set heartbeat_on = now() - interval '1 minute' where state = 'active'`
    await drive.sql`update pgboss.queue set monitor_on = null`
  }
  const worker = await startWorker(drive)
  await until(async () => (await runStates(drive))[0] === 'completed')
  worker.kill('SIGTERM')
  await once(worker, 'close')

  expect(await compareWithProvider(drive.sql, google, drive.endpointId)).toEqual([])
  expect(await pagesFetchedAgain(sandbox)).toBeLessThanOrEqual(kills)
  expect(await runStates(drive)).toEqual(['completed'])
  const [counted] = await drive.sql`select inserted::int, fetched::int, deleted::int from public.sync_logs`
  expect(counted).toEqual({ inserted: files, fetched: files, deleted: 0 })
})

async function startWorker(drive: ConnectedDrive): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ['src/worker/main.ts'], { env: drive.env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((ready) => {
    worker.stdout.setEncoding('utf8').on('data', (lines: string) => {
      if (lines.includes('The worker is ready')) ready()
    })
  })
  return worker
}

async function runStates(drive: ConnectedDrive): Promise<string[]> {
  const rows = await drive.sql<{ status: string }[]>`select status from public.sync_logs`
  return rows.map((row) => row.status)
}

/** How many list requests were for a page that had been asked for before. */
async function pagesFetchedAgain(sandbox: SandboxClient): Promise<number> {
  const requests = (await sandbox.requests()).filter((request) => request.path === '/drive/v3/files')
  const pages = new Set(requests.map((request) => JSON.stringify(request.query)))
  return requests.length - pages.size
}
