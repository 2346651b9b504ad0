import { describe, expect, it } from 'vitest'
import { compareWithProvider } from '../../src/local/demo/compare.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { runSync, type RunOutcome } from '../../src/shared/sync/run-sync.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

describe('max_files_per_sync', () => {
  it.each([1, 7, 10])('is what a run reads at most (%i); what is left follows, and nothing is dropped', async (most) => {
    await using drive = await startConnectedDrive()
    const google = googleSandbox(drive.sandboxUrl)
    const folder = await google.createFolder({ name: 'inner' })
    await google.createFiles({ count: 12, prefix: 'outer ' })
    await google.createFiles({ count: 13, prefix: 'inner ', parentId: folder.id })
    await drive.sql`update public.endpoints set max_files_per_sync = ${most}`

    await toTheEnd(drive)
    expect(await differences(drive)).toEqual([])
    // The change feed, whose position was taken before the first listing, is read by the same measure.
    for (const { id, isFolder } of await google.files()) if (!isFolder) await google.updateFile({ id, size: 99 })
    await toTheEnd(drive)
    expect(await differences(drive)).toEqual([])

    const [{ largest, runs }] = await drive.sql<[{ largest: number; runs: number }]>`
      select max(fetched)::int as largest, count(*)::int as runs from public.sync_logs`
    expect(largest).toBeLessThanOrEqual(most)
    expect(runs).toBeGreaterThan(50 / most)
  })

  it('deletes nothing before the pass that it cuts into pieces has seen everything', async () => {
    await using drive = await startConnectedDrive()
    const google = googleSandbox(drive.sandboxUrl)
    await google.createFiles({ count: 30, prefix: 'file ' })
    await toTheEnd(drive)
    const [gone] = (await google.files()).filter(({ isFolder }) => !isFolder)
    await google.deleteFile(gone!.id)
    await drive.sql`update public.endpoints set max_files_per_sync = 10`
    await drive.sql`update patchbay.sync_state set cursor = null`

    const counts: number[] = []
    const before = await count(drive)
    while ((await run(drive)) === 'partial') counts.push(await count(drive))
    expect(counts.length).toBeGreaterThan(2)
    expect(new Set(counts)).toEqual(new Set([before]))
    expect(await differences(drive)).toEqual([])
  })
})

describe('file_types', () => {
  it.each([
    [['pdf'], ['Plan A.PDF', 'plan-b.pdf']],
    [['.dwg'], ['site.dwg']],
    [['image/*'], ['photo']],
    [
      ['application/pdf', 'image/png'],
      ['Plan A.PDF', 'photo', 'plan-b.pdf'],
    ],
    [['plan-*'], ['plan-b.pdf', 'plan-c.txt']],
    [['*.{dwg,txt}'], ['notes.txt', 'plan-c.txt', 'site.dwg']],
    [['*'], ['Plan A.PDF', 'notes.txt', 'photo', 'plan-b.pdf', 'plan-c.txt', 'site.dwg']],
    [['docx'], []],
  ])('%j lets in these files and no others, also when it is changed', async (types, expected) => {
    await using drive = await startConnectedDrive()
    const google = googleSandbox(drive.sandboxUrl)
    const folder = await google.createFolder({ name: 'all' })
    const files = {
      'Plan A.PDF': 'application/pdf',
      'plan-b.pdf': 'application/pdf',
      'plan-c.txt': 'text/plain',
      photo: 'image/png',
      'site.dwg': 'application/acad',
      'notes.txt': 'text/plain',
    }
    for (const [name, mimeType] of Object.entries(files)) {
      await google.createFile({ name, mimeType, parentId: folder.id })
    }
    await drive.sql`update public.endpoints set endpoint_config = ${JSON.stringify({ folder_id: folder.id })}::text::jsonb, file_types = '["notes.txt"]'`
    await toTheEnd(drive)
    expect(await names(drive)).toEqual(['notes.txt'])

    await drive.sql`update public.endpoints set file_types = ${JSON.stringify(types)}::text::jsonb`
    await toTheEnd(drive)
    expect(await names(drive)).toEqual(expected)
  })
})

it('tags are labels by which an owner finds endpoints; a change of them restarts nothing', async () => {
  await using drive = await startConnectedDrive()
  await toTheEnd(drive)
  await drive.sql`update public.endpoints set tags = '["north", "phase 2"]'`
  expect(await drive.sql`select name from public.endpoints where tags ? 'phase 2'`).toEqual([{ name: 'Test' }])
  expect(await drive.sql`select from public.endpoints where tags ? 'phase'`).toHaveLength(0)
  expect(await drive.sql`select cursor is not null as kept from patchbay.sync_state`).toEqual([{ kept: true }])
})

async function toTheEnd(drive: ConnectedDrive): Promise<void> {
  let outcome: RunOutcome
  do outcome = await run(drive)
  while (outcome === 'partial')
  expect(outcome).toBe('completed')
}

function run({ runtime, endpointId }: ConnectedDrive): Promise<RunOutcome> {
  return runSync({ ...runtime, sleep: async () => {} }, endpointId, { deadline: Number.POSITIVE_INFINITY, pages: 1000 })
}

function differences(drive: ConnectedDrive): Promise<string[]> {
  return compareWithProvider(drive.sql, googleSandbox(drive.sandboxUrl), drive.endpointId)
}

async function names({ sql }: ConnectedDrive): Promise<string[]> {
  const rows = await sql<{ file_name: string }[]>`select file_name from public.files order by file_name collate "C"`
  return rows.map((row) => row.file_name)
}

async function count({ sql }: ConnectedDrive): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*)::int as count from public.files`
  return row.count
}
