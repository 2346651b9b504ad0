import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox, type GoogleSandbox } from '../../src/sandbox/google/client.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { drain } from '../../src/shared/jobs/drain.ts'
import { createJobQueue } from '../../src/shared/jobs/queue.ts'
import { wakeWorker } from '../../src/shared/jobs/worker-function.ts'
import { until } from '../support/until.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

it("drains in the worker function for one invocation's budget, and leaves the rest to the next", async () => {
  await using drive = await startConnectedDrive()
  const google = await manyPages(drive, 70)
  await dispatch(drive.sql)

  await invoke(drive)
  expect(await statuses(drive)).toEqual(['partial'])
  expect(await drive.sql`select state::text from pgboss.job where state = 'created'`).toHaveLength(1)

  await invoke(drive)
  expect(await statuses(drive)).toEqual(['partial', 'completed'])
  expect(await compareWithProvider(drive.sql, google, drive.endpointId)).toEqual([])
})

it('answers the scheduler at once, and drains once however often it is woken', async () => {
  await using drive = await startConnectedDrive()
  await manyPages(drive, 3)
  await dispatch(drive.sql)
  const work: Promise<void>[] = []
  const answers = [1, 2, 3].map(() => wakeWorker(drive.runtime, (one) => work.push(one)))
  expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202])
  expect(work).toHaveLength(1)
  await work[0]
  expect(await statuses(drive)).toEqual(['completed'])
})

it('hands back its run when it is told to stop, and the next worker goes on from there', async () => {
  await using drive = await startConnectedDrive()
  const google = await manyPages(drive, 200)
  await dispatch(drive.sql)
  const first = spawn(process.execPath, ['src/worker/main.ts'], { env: drive.env, stdio: ['ignore', 'ignore', 'inherit'] })
  await until(async () => (await readSoFar(drive)) > 0)
  first.kill('SIGTERM')
  expect(await once(first, 'close')).toEqual([0, null])
  expect(await statuses(drive)).toEqual(['partial'])

  const second = spawn(process.execPath, ['src/worker/main.ts'], { env: drive.env, stdio: ['ignore', 'ignore', 'inherit'] })
  await dispatch(drive.sql)
  await until(async () => (await statuses(drive)).at(-1) === 'completed')
  second.kill('SIGINT')
  expect(await once(second, 'close')).toEqual([0, null])
  expect(await compareWithProvider(drive.sql, google, drive.endpointId)).toEqual([])
})

it('refreshes a token ahead of its expiry, so that no caller waits for it', async () => {
  await using drive = await startConnectedDrive()
  await drive.sql`update public.endpoints set enabled = false`
  await drive.sql`update patchbay.secrets set refresh_due_at = now()`
  await dispatch(drive.sql)
  const queue = createJobQueue(drive.databaseUrl)
  await drain(drive.runtime, {
    queue,
    concurrency: 2,
    budget: () => ({ deadline: Number.POSITIVE_INFINITY, pages: 1 }),
    stop: () => false,
    idle: async () => false,
  })
  await queue.close()

  expect((await sandboxClient(drive.sandboxUrl).control('google-drive').tokenStats()).refresh_token).toEqual({
    requests: 1,
    issued: 1,
  })
  expect(await drive.sql`select version::int, refresh_due_at > now() as later from patchbay.secrets`).toEqual([
    { version: 2, later: true },
  ])
  expect(await drive.sql`select state::text from pgboss.job`).toEqual([{ state: 'completed' }])
})

async function manyPages(drive: ConnectedDrive, pages: number): Promise<GoogleSandbox> {
  const google = googleSandbox(drive.sandboxUrl)
  await google.createFiles({ count: pages * 10, prefix: 'file ' })
  await sandboxClient(drive.sandboxUrl).addFault({
    match: { path: '/drive/v3/files' },
    fault: { type: 'short-page', items: 10 },
    times: 'always',
  })
  return google
}

async function invoke(drive: ConnectedDrive): Promise<void> {
  const work: Promise<void>[] = []
  wakeWorker(drive.runtime, (one) => work.push(one))
  await Promise.all(work)
}

async function statuses({ sql }: ConnectedDrive): Promise<string[]> {
  const rows = await sql<{ status: string }[]>`select status from public.sync_logs order by started_at`
  return rows.map((row) => row.status)
}

async function readSoFar({ sql }: ConnectedDrive): Promise<number> {
  const [row] = await sql<{ fetched: number }[]>`select fetched::int from public.sync_logs`
  return row?.fetched ?? 0
}
