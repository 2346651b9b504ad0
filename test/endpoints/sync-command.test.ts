import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'
import { until } from '../support/until.ts'
import { runCommand, startCommand, type Ended } from './commands.ts'

let drive: ConnectedDrive

beforeEach(async () => {
  drive = await startConnectedDrive()
})
afterEach(() => drive[Symbol.asyncDispose]())

describe('npm run sync', () => {
  it('syncs an endpoint here and now, to the end of its pass, without a worker', async () => {
    await files(500)
    await drive.sql`update public.endpoints set max_files_per_sync = 100`

    const { code, stdout, stderr } = await sync('Test', '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({
      endpoint_id: drive.endpointId,
      status: 'completed',
      inserted: 500,
      error_code: null,
    })
    expect(JSON.parse(stdout).runs).toBeGreaterThan(4)
    expect(await differences()).toEqual([])
    expect(await drive.sql`select from pgboss.job where state <= 'active'`).toHaveLength(0)

    expect((await sync('Test')).stdout).toMatch(
      /^Test: completed\. 0 files read, 0 added, 0 changed, 0 deleted, with 1 requests\.\n$/,
    )
  })

  it('takes the job that waits, so that no worker runs the endpoint at the same time', async () => {
    await files(10)
    await dispatch(drive.sql)
    expect((await sync('Test')).code).toBe(0)
    expect(await drive.sql`select state::text from pgboss.job where name = 'sync'`).toEqual([{ state: 'completed' }])
    expect(await drive.sql`select status from public.sync_logs`).toEqual([{ status: 'completed' }])
  })

  it('hands the run back when it is told to stop, and a worker goes on from there', async () => {
    await manyPages(200)
    const { child, ended } = startCommand('sync', ['Test'], drive.env)
    await until(async () => (await stored()) > 0)
    child.kill('SIGINT')

    expect(await ended).toEqual({ code: 130, stdout: 'Test: handed back. A worker goes on from where this was.\n', stderr: '' })
    const left = await stored()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(2000)
    expect(await drive.sql`select status from public.sync_logs`).toEqual([{ status: 'partial' }])
    expect(await drive.sql`select next_sync_at <= now() as due from public.endpoints`).toEqual([{ due: true }])
    expect(await drive.sql`select from pgboss.job where name = 'sync' and state <= 'active'`).toHaveLength(0)

    await workOff()
    expect(await differences()).toEqual([])
  })

  it('follows the worker that has the endpoint, instead of a second run', async () => {
    await manyPages(60)
    await dispatch(drive.sql)
    const worker = startCommand('main', [], drive.env)
    await until(async () => (await stored()) > 0)

    // The worker waits for this lock until the command has begun to follow it.
    let command: Promise<Ended> | undefined
    await drive.sql.begin(async (tx) => {
      await tx`select from public.endpoints for no key update`
      command = sync('Test', '--json')
      await until(
        async () =>
          (
            await drive.sql`select from pg_stat_activity where query like '%as targets_only from pgboss.job%' and pid <> pg_backend_pid()`
          ).length > 0,
      )
    })
    const { code, stdout } = await command!
    worker.child.kill('SIGTERM')
    await worker.ended
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', inserted: 600 })
    expect(await drive.sql`select status from public.sync_logs`).toEqual([{ status: 'completed' }])
    expect(await differences()).toEqual([])
  })

  it('takes over from a worker that was killed', async () => {
    await manyPages(60)
    await dispatch(drive.sql)
    const worker = spawn(process.execPath, ['src/worker/main.ts'], { env: drive.env, stdio: 'ignore' })
    await until(async () => (await stored()) > 0)
    worker.kill('SIGKILL')
    await once(worker, 'close')
    // Its heartbeat has run out.
    await drive.sql`update pgboss.job set heartbeat_on = now() - interval '1 minute' where state = 'active'`

    expect((await sync('Test')).code).toBe(0)
    expect(await drive.sql`select status from public.sync_logs`).toEqual([{ status: 'completed' }])
    expect(await differences()).toEqual([])
  })

  it('says why a run failed, and exits with 1', async () => {
    await drive.sql`update public.endpoints set endpoint_config = '{"folder_id": "none"}'`
    const { code, stdout, stderr } = await sync('Test')
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/^Test: failed\. 0 files read, .+ \(provider_not_found\)\n$/)
  })

  it('ends when its run is cancelled', async () => {
    await manyPages(200)
    const { ended } = startCommand('sync', ['Test'], drive.env)
    await until(async () => (await stored()) > 0)
    await drive.sql`select public.cancel_sync(${drive.endpointId}::uuid)`

    expect(await ended).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Test: cancelled\. .+ The run was cancelled\.\n$/),
    })
    expect(await drive.sql`select last_sync_status, next_sync_at > now() as later from public.endpoints`).toEqual([
      { last_sync_status: 'cancelled', later: true },
    ])
  })

  it('refuses a paused endpoint, and leaves no job behind', async () => {
    await drive.sql`update public.endpoints set enabled = false`
    expect(await sync('Test')).toEqual({ code: 1, stdout: '', stderr: 'This endpoint is paused. Resume it first.\n' })
    expect(await drive.sql`select from pgboss.job where name = 'sync'`).toHaveLength(0)
  })
})

function sync(...args: string[]): Promise<Ended> {
  return runCommand('sync', args, drive.env)
}

async function files(count: number): Promise<void> {
  await googleSandbox(drive.sandboxUrl).createFiles({ count, prefix: 'file ' })
}

/** Ten files a page: a run takes a while, and is met in the middle of its work. */
async function manyPages(pages: number): Promise<void> {
  await files(pages * 10)
  await sandboxClient(drive.sandboxUrl).addFault({
    match: { path: '/drive/v3/files' },
    fault: { type: 'short-page', items: 10 },
    times: 'always',
  })
}

async function stored(): Promise<number> {
  const [row] = await drive.sql<[{ count: number }]>`select count(*)::int as count from public.files`
  return row.count
}

function differences(): Promise<string[]> {
  return compareWithProvider(drive.sql, googleSandbox(drive.sandboxUrl), drive.endpointId)
}

/** A worker, until nothing is left to do. */
async function workOff(): Promise<void> {
  await dispatch(drive.sql)
  const worker = startCommand('main', [], drive.env)
  await until(async () => {
    const rows = await drive.sql`select from public.endpoints where last_sync_status = 'completed'`
    return rows.length === 1
  })
  worker.child.kill('SIGTERM')
  await worker.ended
}
