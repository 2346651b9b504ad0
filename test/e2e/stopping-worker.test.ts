import { describe, expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import type { Fault } from '../../src/sandbox/admin-contract.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts'
import { until } from '../support/until.ts'

/** Platforms give a process 10 s between SIGTERM and SIGKILL. */
const graceMs = 10_000

describe.concurrent('a worker that is told to stop', () => {
  it.each([
    ['hangs', { type: 'timeout' }],
    ['asks for a pause', { type: 'rate-limit', retryAfterSeconds: 19 }],
  ] satisfies [string, Fault][])('hands back a run whose provider %s, as no failure, and ends in time', async (_what, fault) => {
    await using drive = await startConnectedDrive()
    const sandbox = sandboxClient(drive.sandboxUrl)
    const google = googleSandbox(drive.sandboxUrl)
    await google.createFiles({ count: 100, prefix: 'file ' })
    await sandbox.addFault({ match: { path: '/drive/v3/files' }, fault, times: 'always', skip: 4 })
    await sandbox.addFault({ match: { path: '/drive/v3/files' }, fault: { type: 'short-page', items: 10 }, times: 'always' })
    await dispatch(drive.sql)
    await using worker = await startWorkerProcess(drive.env)
    // What was answered is stored, and the next page does not come.
    await until(async () => (await sandbox.faults()).some(({ rule, served }) => rule.fault.type === fault.type && served > 0))
    await until(async () => (await pagesStored(drive)) === (await pagesAnswered(drive)).length)

    const { code, ms } = await stop(worker)

    expect(code).toBe(0)
    expect(ms).toBeLessThan(graceMs)
    expect(await endpointState(drive)).toEqual({
      last_sync_status: 'partial',
      consecutive_failures: 0,
      last_error_code: null,
      due: true,
    })
    expect(await drive.sql`select status, fetched > 0 as fetched, error_code from public.sync_logs`).toEqual([
      { status: 'partial', fetched: true, error_code: null },
    ])
    // Nobody has to wait for a heartbeat to run out.
    expect(await drive.sql`select state::text from pgboss.job where state in ('created', 'active', 'retry')`).toEqual([
      { state: 'created' },
    ])

    await sandbox.clearFaults()
    await using next = await startWorkerProcess(drive.env)
    await until(async () => (await endpointState(drive)).last_sync_status === 'completed')
    expect(await compareWithProvider(drive.sql, google, drive.endpointId)).toEqual([])
    const pages = await pagesAnswered(drive)
    expect(pages).toEqual([...new Set(pages)])
    expect((await stop(next)).code).toBe(0)
  })

  it('does not wait for a token endpoint that hangs, and the next worker gets a token', async () => {
    await using drive = await startConnectedDrive()
    const sandbox = sandboxClient(drive.sandboxUrl)
    await googleSandbox(drive.sandboxUrl).createFiles({ count: 10, prefix: 'file ' })
    await drive.sql`update patchbay.secrets set expires_at = now(), refresh_due_at = now() + interval '1 hour'`
    await sandbox.addFault({ match: { path: '/token' }, fault: { type: 'timeout' }, times: 'always' })
    await dispatch(drive.sql)
    await using worker = await startWorkerProcess(drive.env)
    await until(async () => (await sandbox.faults()).some(({ served }) => served > 0))

    const { code, ms } = await stop(worker)

    expect(code).toBe(0)
    expect(ms).toBeLessThan(graceMs)
    expect(await endpointState(drive)).toMatchObject({ last_sync_status: 'partial', consecutive_failures: 0, due: true })

    await sandbox.clearFaults()
    // As if the lease of the one that has gone had run out: after 45 s.
    await drive.sql`update patchbay.secrets set lease_expires_at = now()`
    await using next = await startWorkerProcess(drive.env)
    await until(async () => (await endpointState(drive)).last_sync_status === 'completed')
    expect((await stop(next)).code).toBe(0)
  })

  it('ends at once when it is told twice', async () => {
    await using drive = await startConnectedDrive()
    await using worker = await startHangingWorker(drive)

    worker.child.kill('SIGTERM')
    await until(async () => worker.lines.at(-1)?.['message'] === 'No further job is taken.')
    const { code, ms } = await stop(worker)

    expect(code).toBe(143)
    expect(ms).toBeLessThan(2_000)
  })

  it('takes no further job while the one in hand goes on', async () => {
    await using drive = await startConnectedDrive()
    await using worker = await startHangingWorker(drive)

    worker.child.kill('SIGINT')
    await until(async () => worker.lines.at(-1)?.['message'] === 'No further job is taken.')
    await drive.sql`select patchbay.enqueue('revoke-token', 'revocation_id', array[gen_random_uuid()])`

    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect(await drive.sql`select state::text from pgboss.job where name = 'revoke-token'`).toEqual([{ state: 'created' }])
  })
})

/** A worker whose only run waits for a provider that does not answer. */
async function startHangingWorker(drive: ConnectedDrive): Promise<WorkerProcess> {
  const sandbox = sandboxClient(drive.sandboxUrl)
  await sandbox.addFault({ match: { path: '/drive/v3' }, fault: { type: 'timeout' }, times: 'always' })
  await dispatch(drive.sql)
  const worker = await startWorkerProcess(drive.env)
  await until(async () => (await sandbox.faults()).some(({ served }) => served > 0))
  return worker
}

async function stop(worker: WorkerProcess): Promise<{ code: number | null; ms: number }> {
  const begun = performance.now()
  worker.child.kill('SIGTERM')
  const { code } = await worker.exited
  return { code, ms: performance.now() - begun }
}

interface EndpointState {
  last_sync_status: string
  consecutive_failures: number
  last_error_code: string | null
  due: boolean
}

/** `due`: at once, or there is a job already, which puts the next look 15 minutes off. */
async function endpointState({ sql }: ConnectedDrive): Promise<EndpointState> {
  const [row] = await sql<[EndpointState]>`
    select last_sync_status, consecutive_failures, last_error_code, next_sync_at <= now() or exists (
      select from pgboss.job where name = 'sync' and state = 'created' and start_after <= now()
    ) as due
    from public.endpoints`
  return row
}

/** Of each page that was answered, which it was. */
async function pagesAnswered(drive: ConnectedDrive): Promise<string[]> {
  const requests = await sandboxClient(drive.sandboxUrl).requests()
  return requests
    .filter(({ path, status }) => path === '/drive/v3/files' && status === 200)
    .map(({ query }) => JSON.stringify(query))
}

/** Of a full pass that has not ended. */
async function pagesStored({ sql }: ConnectedDrive): Promise<number> {
  const [row] = await sql<[{ pages: number }]>`select count(*)::int as pages from patchbay.seen_pages`
  return row.pages
}
