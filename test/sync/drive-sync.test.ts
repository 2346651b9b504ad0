import { describe, expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

describe('promise 3: cost follows change, not size', () => {
  it('costs one request and no row write when nothing has changed', async () => {
    await using drive = await startConnectedDrive()
    const sandbox = await filledSandbox(drive, 1500)
    expect(await run(drive)).toBe('completed')
    const before = await versions(drive)
    await sandbox.clearRequests()

    expect(await run(drive)).toBe('completed')

    expect(await sandbox.requests()).toMatchObject([{ path: '/drive/v3/changes', status: 200 }])
    expect(await versions(drive)).toEqual(before)
    expect(await lastRun(drive)).toMatchObject({ pass: 'changes', requests: 1n, inserted: 0n, updated: 0n, deleted: 0n })
  })

  it('updates no row when everything is listed again unchanged', async () => {
    await using drive = await startConnectedDrive()
    await filledSandbox(drive, 1500)
    await run(drive)
    const before = await versions(drive)
    await drive.sql`update patchbay.sync_state set cursor = null`
    expect(await run(drive)).toBe('completed')
    expect(await versions(drive)).toEqual(before)
    expect(await lastRun(drive)).toMatchObject({ pass: 'full', fetched: 1500n, unchanged: 1500n, updated: 0n, deleted: 0n })
  })

  it('falls back to a full run by itself when the provider has forgotten the cursor', async () => {
    await using drive = await startConnectedDrive()
    const sandbox = await filledSandbox(drive, 20)
    await run(drive)
    const google = googleSandbox(drive.sandboxUrl)
    await google.deleteFile((await google.files()).find((entry) => !entry.isFolder)!.id)
    const body = {
      error: {
        code: 400,
        message: 'Invalid Value',
        errors: [{ reason: 'invalid', location: 'pageToken', message: 'Invalid Value' }],
      },
    }
    await sandbox.addFault({ match: { path: '/drive/v3/changes' }, fault: { type: 'error', status: 400, body } })

    expect(await run(drive)).toBe('completed')
    expect(await lastRun(drive)).toMatchObject({ pass: 'full', unchanged: 19n, deleted: 1n, error_code: null })
    expect(await compareWithProvider(drive.sql, googleSandbox(drive.sandboxUrl), drive.endpointId)).toEqual([])
    expect(await run(drive)).toBe('completed')
    expect(await lastRun(drive)).toMatchObject({ pass: 'changes' })
  })
})

describe('a run that is interrupted', () => {
  it('deletes nothing after a failed page, and the next run goes on from there', async () => {
    await using drive = await startConnectedDrive()
    const sandbox = await filledSandbox(drive, 40)
    await run(drive)
    const google = googleSandbox(drive.sandboxUrl)
    const [gone] = (await google.files()).filter((entry) => !entry.isFolder)
    await google.deleteFile(gone!.id)
    await drive.sql`update patchbay.sync_state set cursor = null`
    await drive.sql`update public.endpoints set max_files_per_sync = 10`
    await sandbox.addFault({
      match: { path: '/drive/v3/files' },
      fault: { type: 'server-error', status: 500, html: false },
      skip: 5,
      times: 'always',
    })

    const statuses = [await run(drive), await run(drive)]
    expect(statuses).toEqual(['partial', 'failed'])
    expect(await count(drive)).toBe(40)
    expect(await lastRun(drive)).toMatchObject({ status: 'failed', error_code: 'provider_unavailable', deleted: 0n })

    await sandbox.clearFaults()
    await sandbox.clearRequests()
    while ((await run(drive)) === 'partial') {
      // max_files_per_sync: the next run goes on.
    }
    expect(await compareWithProvider(drive.sql, googleSandbox(drive.sandboxUrl), drive.endpointId)).toEqual([])
  })

  it('tries again within a minute after a passing failure, at the next regular time after one that lasts', async () => {
    await using drive = await startConnectedDrive()
    const sandbox = await filledSandbox(drive, 5)
    await drive.sql`update public.endpoints set interval_minutes = 60, next_sync_at = now() + interval '15 minutes'`
    await sandbox.addFault({
      match: { path: '/drive/v3/' },
      fault: { type: 'server-error', status: 503, html: true },
      times: 'always',
    })
    expect(await run(drive)).toBe('failed')
    expect(await minutesUntilDue(drive)).toBeLessThanOrEqual(1)

    await sandbox.clearFaults()
    await drive.sql`update public.endpoints set next_sync_at = now() + interval '15 minutes'`
    await sandbox.addFault({ match: { path: '/drive/v3/' }, fault: { type: 'html' }, times: 'always' })
    expect(await run(drive)).toBe('failed')
    expect(await minutesUntilDue(drive)).toBeGreaterThan(50)
  })

  it('goes on where max_files_per_sync ended it, and drops nothing', async () => {
    await using drive = await startConnectedDrive()
    await filledSandbox(drive, 95)
    await drive.sql`update public.endpoints set max_files_per_sync = 30`
    const outcomes = []
    do outcomes.push(await run(drive))
    while (outcomes.at(-1) === 'partial')

    const runs = await drive.sql`select fetched::int from public.sync_logs order by started_at`
    expect(Math.max(...runs.map((row) => row['fetched'] as number))).toBeLessThanOrEqual(30)
    expect(await compareWithProvider(drive.sql, googleSandbox(drive.sandboxUrl), drive.endpointId)).toEqual([])
  })

  it('stops after its page when the endpoint is paused', async () => {
    await using drive = await startConnectedDrive()
    await filledSandbox(drive, 20)
    await drive.sql`update public.endpoints set enabled = false`
    expect(await run(drive)).toBe('completed')
    expect(await count(drive)).toBe(0)
  })
})

it('keeps only the files that file_types lets through, also when that is changed', async () => {
  await using drive = await startConnectedDrive()
  const google = googleSandbox(drive.sandboxUrl)
  for (const name of ['a.pdf', 'b.PDF', 'c.txt', 'd.dwg']) await google.createFile({ name })
  await drive.sql`update public.endpoints set file_types = '["pdf", ".dwg"]'`
  await run(drive)
  expect(await names(drive)).toEqual(['a.pdf', 'b.PDF', 'd.dwg'])

  await drive.sql`update public.endpoints set file_types = '["text/*"]'`
  await run(drive)
  expect(await names(drive)).toEqual(['c.txt'])

  const [file] = (await google.files()).filter((entry) => entry.name === 'c.txt')
  await google.createFile({ name: 'e.txt' })
  await google.deleteFile(file!.id)
  await run(drive)
  expect(await names(drive)).toEqual(['e.txt'])
})

it('stops with the reason when the person has revoked access, and starts again once the account is connected', async () => {
  await using drive = await startConnectedDrive()
  const sandbox = await filledSandbox(drive, 3)
  await sandbox.control('google-drive').revokeGrants('pat@example.com')
  expect(await run(drive)).toBe('failed')
  expect(await lastRun(drive)).toMatchObject({ error_code: 'needs_reauth' })
  expect(await drive.sql`select status from public.integrations`).toEqual([{ status: 'needs_reauth' }])
  expect(await drive.sql`select is_active from public.oauth_tokens`).toEqual([{ is_active: false }])
  expect(await drive.sql`select next_sync_at::text from public.endpoints`).toEqual([{ next_sync_at: 'infinity' }])

  await drive.reconnect()
  expect(await drive.sql`select next_sync_at <= now() as due from public.endpoints`).toEqual([{ due: true }])
  expect(await run(drive)).toBe('completed')
  expect(await count(drive)).toBe(3)
})

it('says so when the account was connected without permission to read files', async () => {
  await using drive = await startConnectedDrive()
  await filledSandbox(drive, 1)
  // Nearly the scope that is needed.
  await drive.sql`update public.integrations set scopes = '{https://www.googleapis.com/auth/drive.readonly.not,openid}'`
  expect(await run(drive)).toBe('failed')
  expect(await lastRun(drive)).toMatchObject({ error_code: 'missing_scope' })
})

async function filledSandbox(drive: ConnectedDrive, files: number): Promise<SandboxClient> {
  const sandbox = sandboxClient(drive.sandboxUrl)
  await googleSandbox(drive.sandboxUrl).createFiles({ count: files, prefix: 'file ' })
  return sandbox
}

function run({ runtime, endpointId }: ConnectedDrive): Promise<string> {
  return runSync({ ...runtime, sleep: async () => {} }, endpointId, { deadline: Number.POSITIVE_INFINITY, pages: 1000 })
}

async function lastRun({ sql }: ConnectedDrive): Promise<unknown> {
  const [row] = await sql`select * from public.sync_logs order by started_at desc limit 1`
  return row
}

async function count({ sql }: ConnectedDrive): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*)::int from public.files`
  return row.count
}

async function names({ sql }: ConnectedDrive): Promise<string[]> {
  const rows = await sql<{ file_name: string }[]>`select file_name from public.files order by file_name collate "C"`
  return rows.map((row) => row.file_name)
}

async function minutesUntilDue({ sql }: ConnectedDrive): Promise<number> {
  const [row] = await sql<[{ minutes: number }]>`
    select (extract(epoch from next_sync_at - now()) / 60)::float8 as minutes from public.endpoints`
  return row.minutes
}

/** The physical version of each row: a row that is not written keeps it. */
async function versions({ sql }: ConnectedDrive): Promise<unknown> {
  return [...(await sql`select external_file_id, concat(xmin, ctid) as version from public.files order by 1`)]
}
