import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { drive_v3 } from '@googleapis/drive'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox, type GoogleSandbox } from '../../src/sandbox/google/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { provider as googleDrive } from '../../src/shared/providers/google-drive/definition.ts'
import { fileStream } from '../../src/shared/providers/google-drive/file-stream.ts'
import { Discovery, unknownFields } from './discovery.ts'
import { connectAccount, connectServiceAccount } from './drive-account.ts'
import { EngineDouble } from './engine-double.ts'

const pat = 'pat@example.com'
const kim = 'kim@example.com'
const robot = 'sandbox@patchbay-sandbox.iam.gserviceaccount.com'

let sandbox: Sandbox
let admin: SandboxClient
let google: GoogleSandbox
let api: ProviderApi
/** The shared drive that the sandbox has. */
let driveId: string
/** A folder of Pat's. Each test has its own. */
let folderId: string
let folders = 0

beforeAll(async () => {
  // Real files: the code under test.
  const root = fileURLToPath(new URL('../../src/shared', import.meta.url))
  sandbox = await startSandbox({ root, extras: true })
  admin = sandboxClient(sandbox.url)
  google = googleSandbox(sandbox.url)
  api = await connectAccount(sandbox.url, pat)
  const entries = await google.files()
  driveId = entries.find((entry) => entry.path === '/Shared drives/Ops/Archive')?.driveId ?? ''
})

beforeEach(async () => {
  folders += 1
  folderId = (await google.createFolder({ name: `Work ${folders}` })).id
  await admin.clearFaults()
  await admin.clearRequests()
})

afterAll(async () => {
  await sandbox.close()
})

const open = (config: unknown, pageSize?: number, as = api) => new EngineDouble(fileStream, as, config, pageSize)

/** What an endpoint should hold now, as Drive has it. */
async function truth(scope: { account?: string; drive?: string; folder?: string }): Promise<object[]> {
  const entries = await google.files(scope.account)
  const folderPath = entries.find((entry) => entry.id === scope.folder)?.path
  return entries
    .filter((entry) => !entry.trashed && !entry.isFolder)
    .filter((entry) => scope.folder !== undefined || entry.driveId === (scope.drive ?? null))
    .filter((entry) => folderPath === undefined || entry.path.startsWith(`${folderPath}/`))
    .map(({ id, name, path, size, mimeType, parentId, modifiedTime }) => ({
      id,
      name,
      path: folderPath === undefined ? path.replace(/^\/Shared drives\/[^/]+/, '') : path.slice(folderPath.length),
      size,
      mime: mimeType,
      parent: parentId,
      updated: modifiedTime,
    }))
    .toSorted(byId)
}

function stored(engine: EngineDouble): object[] {
  return [...engine.files.values()]
    .map(({ id, name, path, size, mime, parent, updated }) => ({ id, name, path, size, mime, parent, updated }))
    .toSorted(byId)
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1
}

/** A fault for the next request to `path`, such as `/files`. */
const fault = (path: string, answer: Parameters<SandboxClient['addFault']>[0]['fault'], skip = 0) =>
  admin.addFault({ match: { path: `^/drive/v3${path}$` }, fault: answer, skip })

const googleError = (status: number, reason: string) => ({
  type: 'error' as const,
  status,
  body: { error: { code: status, message: 'Invalid Value', errors: [{ domain: 'global', reason, message: 'Invalid Value' }] } },
})

describe('a full pass', () => {
  it('stores all that the account lists, each file at its path', async () => {
    const engine = open({})
    const pages = await engine.run()
    expect(stored(engine)).toEqual(await truth({}))
    expect(engine.paths()).toContain('/Shared with me/Site photos/north.jpg')
    expect(engine.paths()).toContain('/Shared with me/Invoice 1042.pdf')
    expect(pages.at(-1)).toMatchObject({ pass: 'full', more: false, next: { at: 'changes' } })
  })

  it('is the same in small pages', async () => {
    const engine = open({}, 2)
    const pages = await engine.run()
    expect(pages.length).toBeGreaterThan(5)
    expect(stored(engine)).toEqual(await truth({}))
  })

  it('may be read ahead', async () => {
    await makeTree(folderId, 3, 4)
    for (const [config, scope] of [
      [{}, {}],
      [{ folder_id: folderId }, { folder: folderId }],
    ] as const) {
      const engine = open(config, 7)
      engine.readsAhead = true
      const pages = await engine.run()
      expect(stored(engine)).toEqual(await truth(scope))
      expect(pages).toEqual(await open(config, 7).run())
      expect(pages.filter((page) => fileStream.canPrefetch(page)).length).toBeGreaterThan(pages.length / 2)
      await makeTree(folderId, 3, 4)
      await engine.run()
      expect(stored(engine)).toEqual(await truth(scope))
    }
  })

  it('stores a shared drive, and nothing else, when the endpoint names it', async () => {
    const engine = open({ drive_id: driveId })
    await engine.run()
    await google.createFile({ parentId: driveId, name: 'plan.dwg' })
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ drive: driveId }))
    expect(engine.paths()).toContain('/plan.dwg')
    expect([...engine.files.values()][0]?.metadata).toMatchObject({ drive_id: driveId })
  })

  it('stores a folder and everything below it, whatever the number of folders', async () => {
    await makeTree(folderId, 3, 4)
    for (const pageSize of [1000, 7]) {
      const engine = open({ folder_id: folderId }, pageSize)
      await engine.run()
      expect(stored(engine)).toEqual(await truth({ folder: folderId }))
      expect(engine.files.size).toBe(4 ** 3 + 4 ** 2 + 4)
    }
  })

  it('stores a folder of a shared drive by its id alone', async () => {
    const folder = await google.createFolder({ parentId: driveId, name: 'Site' })
    await makeTree(folder.id, 2, 2)
    const engine = open({ folder_id: folder.id })
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ folder: folder.id }))
    await google.createFile({ parentId: folder.id, name: 'later.txt' })
    expect(await engine.run()).toHaveLength(1)
    expect(engine.paths()).toContain('/later.txt')
  })

  it('stores a shortcut as a file, and does not go where it leads', async () => {
    const target = { targetId: 'elsewhere', targetMimeType: folderMime }
    const shortcut = { id: 'shortcut', name: 'Plans', mimeType: 'application/vnd.google-apps.shortcut', parents: [folderId] }
    const body = { kind: 'drive#fileList', files: [{ ...shortcut, shortcutDetails: target }] }
    await fault('/files', { type: 'error', status: 200, body })
    const engine = open({ folder_id: folderId })
    await engine.run()
    expect([...engine.files.values()]).toMatchObject([
      { id: 'shortcut', size: null, metadata: { shortcut: { target_id: 'elsewhere', target_mime_type: folderMime } } },
    ])
    expect(await requestedPaths()).toEqual([`/files/${folderId}`, '/changes/startPageToken', '/files'])
  })

  it('takes a Google document without a size, and sizes of terabytes', async () => {
    await google.createFile({ parentId: folderId, name: 'big.bin', size: 5 * 1024 ** 4 })
    const engine = open({})
    await engine.run()
    const byName = (name: string) => [...engine.files.values()].find((file) => file.name === name)
    expect(byName('Project plan')).toMatchObject({ size: null, mime: 'application/vnd.google-apps.document' })
    expect(byName('big.bin')).toMatchObject({ size: 5 * 1024 ** 4, metadata: { md5: expect.any(String) } })
  })

  it('gives a service account what is shared with it', async () => {
    await makeTree(folderId, 1, 2)
    await google.shareFile({ id: folderId, account: robot, shared: true })
    const robotApi = await connectServiceAccount(sandbox.url, google)
    for (const [config, scope] of [
      [{}, {}],
      [{ folder_id: folderId }, { folder: folderId }],
      [{ drive_id: driveId }, { drive: driveId }],
    ] as const) {
      const engine = open(config, 1000, robotApi)
      await engine.run()
      expect(stored(engine)).toEqual(await truth({ account: robot, ...scope }))
    }
    await google.shareFile({ id: folderId, account: robot, shared: false })
  })

  it('misses nothing that happens while it runs', async () => {
    await makeTree(folderId, 2, 4)
    for (const [config, scope] of [
      [{}, {}],
      [{ folder_id: folderId }, { folder: folderId }],
    ] as const) {
      const engine = open(config, 5)
      let count = 0
      await engine.run(async () => {
        count += 1
        if (count > 6) return
        const folder = await google.createFolder({ parentId: folderId, name: `New ${count}` })
        const file = await google.createFile({ parentId: folder.id, name: 'new.txt' })
        if (count % 2 === 0) await google.deleteFile(file.id)
      })
      await engine.run()
      expect(count).toBeGreaterThan(4)
      expect(stored(engine)).toEqual(await truth(scope))
    }
  })

  it('asks for a folder by itself when a query for several has nothing of it', async () => {
    await makeTree(folderId, 2, 3)
    // The second listing is the one for the three folders; Drive answers as if two of them were empty.
    const [, second] = await google.files().then((all) => all.filter((entry) => entry.parentId === folderId && entry.isFolder))
    const inSecond = (await google.files()).filter((entry) => entry.parentId === second?.id)
    const files = inSecond.map(({ id, name, mimeType }) => ({ id, name, mimeType, parents: [second?.id] }))
    await fault('/files', { type: 'error', status: 200, body: { kind: 'drive#fileList', files } }, 1)
    const engine = open({ folder_id: folderId })
    await engine.run()
    expect(engine.paths()).toHaveLength(3 + 9)
    expect(await requestedPaths()).toHaveLength(2 + 2 + 2)
  })

  it('goes on when a folder vanishes before it is listed', async () => {
    await makeTree(folderId, 2, 3)
    const engine = open({ folder_id: folderId })
    let count = 0
    await engine.run(async (page) => {
      count += 1
      if (count === 2) await google.deleteFile(page.folders[1]?.id ?? '')
    })
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ folder: folderId }))
    expect(engine.files.size).toBe(3 + 6)
  })

  it('ends in an error, not in deletions, when the folder itself vanishes', async () => {
    await makeTree(folderId, 2, 3)
    const engine = open({ folder_id: folderId })
    const vanish = engine.run(async (page) => {
      if (page.listed.includes(folderId)) await google.deleteFile(folderId)
    })
    await expect(vanish).rejects.toMatchObject({ code: 'provider_not_found' })
  })

  it('ends in an error, not in deletions, when the folder itself cannot be listed', async () => {
    await fault('/files', googleError(404, 'notFound'))
    await expect(open({ folder_id: folderId }).run()).rejects.toMatchObject({ code: 'provider_not_found' })
  })

  it('forgets a folder that has left since the last one', async () => {
    await makeTree(folderId, 3, 2)
    const engine = open({ folder_id: folderId })
    await engine.run()
    const place = await google.createFolder({ name: 'Elsewhere' })
    const leaving = [...engine.folders.values()].find((folder) => folder.parent === folderId)
    await google.updateFile({ id: leaving?.id ?? '', parentId: place.id })
    engine.cursor = null
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ folder: folderId }))
  })

  it('goes on over empty and short pages that lead to another', async () => {
    await makeTree(folderId, 2, 3)
    for (const [config, scope] of [
      [{}, {}],
      [{ folder_id: folderId }, { folder: folderId }],
    ] as const) {
      await admin.clearFaults()
      await fault('/files', { type: 'empty-page' })
      await fault('/files', { type: 'short-page', items: 1 }, 1)
      const engine = open(config)
      await engine.run()
      expect(stored(engine)).toEqual(await truth(scope))
      expect((await admin.faults()).map((state) => state.served)).toEqual([1, 1])
    }
  })

  it('begins again when a page token is refused', async () => {
    const engine = open({}, 20)
    await fault('/files', googleError(400, 'invalid'), 3)
    await engine.run()
    expect((await requestedPaths()).filter((path) => path === '/changes/startPageToken')).toHaveLength(2)
    expect(stored(engine)).toEqual(await truth({}))
  })

  it('begins again with a position that it cannot read', async () => {
    const engine = open({})
    engine.cursor = { written: 'by another version' }
    await engine.run()
    expect(stored(engine)).toEqual(await truth({}))
  })

  it.each([
    ['a partial search', { kind: 'drive#fileList', incompleteSearch: true, files: [] }, 'provider_unavailable'],
    ['an empty object', {}, 'provider_answer_invalid'],
    ['another kind of answer', { kind: 'drive#about' }, 'provider_answer_invalid'],
    ['a file without a name', { kind: 'drive#fileList', files: [{ id: 'a', mimeType: 'b' }] }, 'provider_answer_invalid'],
  ])('does not take %s for the end of a list', async (_what, body, code) => {
    const engine = open({})
    await engine.run()
    const before = stored(engine)
    engine.cursor = null
    await fault('/files', { type: 'error', status: 200, body }, 1)
    await expect(engine.run()).rejects.toMatchObject({ code })
    expect(stored(engine)).toEqual(before)
  })

  it('takes a list without items for an empty one, and ignores what it did not ask for', async () => {
    await fault('/files', { type: 'error', status: 200, body: { kind: 'drive#fileList', etag: 'x' } })
    const engine = open({ folder_id: folderId })
    await engine.run()
    expect(engine.files.size).toBe(0)
  })

  it('does not follow a page token that leads to itself', async () => {
    const body = { kind: 'drive#fileList', nextPageToken: 'again', files: [] }
    await fault('/files', { type: 'error', status: 200, body })
    await fault('/files', { type: 'error', status: 200, body })
    await expect(open({}).run()).rejects.toMatchObject({ code: 'provider_answer_invalid', context: { field: 'nextPageToken' } })
  })
})

describe('after a full pass', () => {
  it('a quiet run costs one request', async () => {
    for (const config of [{}, { drive_id: driveId }, { folder_id: folderId }]) {
      const engine = open(config)
      await engine.run()
      await admin.clearRequests()
      const [page, ...others] = await engine.run()
      expect(others).toEqual([])
      expect(page).toMatchObject({ pass: 'changes', files: [], folders: [], removed: [], rebuildPaths: false, more: false })
      expect(await requestedPaths()).toEqual(['/changes'])
    }
  })

  it('follows every kind of change, for an account, a shared drive and a folder', async () => {
    const team = await google.createFolder({ parentId: driveId, name: 'Team' })
    const engines = [
      { engine: open({}, 3), scope: {} },
      { engine: open({ drive_id: driveId }, 3), scope: { drive: driveId } },
      { engine: open({ folder_id: folderId }, 3), scope: { folder: folderId } },
      { engine: open({ folder_id: team.id }, 3), scope: { folder: team.id } },
    ]
    for (const { engine } of engines) await engine.run()
    const check = async (step: string) => {
      for (const { engine, scope } of engines) {
        await engine.run()
        expect({ step, files: stored(engine) }).toEqual({ step, files: await truth(scope) })
      }
    }

    for (const root of [folderId, team.id]) {
      await makeTree(root, 2, 2)
      const folder = await google.createFolder({ parentId: root, name: 'A' })
      const inner = await google.createFolder({ parentId: folder.id, name: 'B' })
      const file = await google.createFile({ parentId: inner.id, name: 'deep.txt' })
      const next = await google.createFile({ parentId: folder.id, name: 'next.txt' })
      const outside = root === folderId ? undefined : driveId
      const place = await google.createFolder({ name: 'Outside', ...(outside !== undefined && { parentId: outside }) })
      await check('created')
      await google.updateFile({ id: file.id, name: 'renamed.txt', size: 77 })
      await check('a file renamed and written')
      await google.updateFile({ id: folder.id, name: 'A2' })
      await check('a folder renamed')
      await google.updateFile({ id: inner.id, parentId: root })
      await check('a folder moved within')
      await google.updateFile({ id: inner.id, parentId: place.id })
      await check('a folder moved out')
      await google.updateFile({ id: inner.id, parentId: folder.id })
      await check('a folder moved in')
      await google.updateFile({ id: next.id, parentId: place.id })
      await google.updateFile({ id: folder.id, trashed: true })
      await check('a file moved out of a folder that is then trashed')
      await google.updateFile({ id: folder.id, trashed: false })
      await check('a folder restored')
      await google.updateFile({ id: next.id, trashed: true })
      await google.updateFile({ id: inner.id, parentId: root })
      await google.deleteFile(folder.id)
      await check('a folder moved out of one that is then deleted')
      await google.updateFile({ id: next.id, trashed: false })
      await google.updateFile({ id: place.id, parentId: inner.id })
      await google.updateFile({ id: inner.id, name: 'B2' })
      await check('a folder moved into one that is then renamed')
      await google.deleteFile(inner.id)
      await check('a folder deleted')
    }
  })

  it('follows what others share', async () => {
    const outer = await google.createFolder({ account: kim, name: 'Kim' })
    const inner = await google.createFolder({ account: kim, parentId: outer.id, name: 'Inner' })
    await google.createFile({ account: kim, parentId: inner.id, name: 'photo.jpg' })
    const engine = open({})
    await engine.run()
    for (const [id, shared] of [
      [inner.id, true],
      [outer.id, true],
      [inner.id, false],
      [outer.id, false],
    ] as const) {
      await google.shareFile({ id, account: pat, shared })
      await engine.run()
      expect(stored(engine)).toEqual(await truth({}))
    }
  })

  it('follows files between My Drive and a shared drive', async () => {
    const folder = await google.createFolder({ parentId: folderId, name: 'Moving' })
    await makeTree(folder.id, 2, 2)
    const mine = open({})
    const shared = open({ drive_id: driveId })
    for (const parentId of [folderId, driveId, folderId]) {
      await google.updateFile({ id: folder.id, parentId })
      await mine.run()
      await shared.run()
      expect(stored(mine)).toEqual(await truth({}))
      expect(stored(shared)).toEqual(await truth({ drive: driveId }))
    }
  })

  it('reads everything again when the position is refused', async () => {
    const engine = open({ folder_id: folderId })
    await engine.run()
    await google.createFile({ parentId: folderId, name: 'new.txt' })
    await fault('/changes', googleError(400, 'invalid'))
    const pages = await engine.run()
    expect(pages.every((page) => page.pass === 'full')).toBe(true)
    expect(stored(engine)).toEqual(await truth({ folder: folderId }))
  })

  it('goes on where a run ended in the middle', async () => {
    const engine = open({ folder_id: folderId }, 4)
    await engine.run()
    await makeTree(folderId, 3, 3)
    for (let stop = 1; stop < 12; stop += 1) {
      let count = 0
      const ended = engine.run(async () => {
        count += 1
        if (count >= 2) throw new Error('killed')
      })
      await ended.catch(() => undefined)
    }
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ folder: folderId }))
  })

  it('keeps the files of a folder that is in the trash, and says so', async () => {
    await makeTree(folderId, 2, 2)
    const engine = open({ folder_id: folderId })
    await engine.run()
    await google.updateFile({ id: folderId, trashed: true })
    await expect(engine.run()).rejects.toMatchObject({ code: 'provider_not_found', outcome: 'rejected' })
    await expect(open({ folder_id: folderId }).run()).rejects.toMatchObject({ code: 'provider_not_found' })
    expect(engine.files.size).toBe(6)
    await google.updateFile({ id: folderId, trashed: false })
    await engine.run()
    expect(stored(engine)).toEqual(await truth({ folder: folderId }))
  })

  it('keeps the files of a shared drive that the account has left, and says so', async () => {
    const engine = open({ drive_id: driveId })
    await engine.run()
    const before = stored(engine)
    await google.setDriveMember({ driveId, account: pat, member: false })
    await expect(engine.run()).rejects.toMatchObject({ code: 'provider_not_found', message: expect.stringContaining(driveId) })
    await google.setDriveMember({ driveId, account: pat, member: true })
    await engine.run()
    expect(stored(engine)).toEqual(before)
  })

  it('does not take an answer without a position for the end of the feed', async () => {
    const engine = open({})
    await engine.run()
    for (const body of [{}, { changes: [] }]) {
      await fault('/changes', { type: 'error', status: 200, body })
      await expect(engine.run()).rejects.toMatchObject({ code: 'provider_answer_invalid' })
    }
  })

  it('takes the last word on a file that changed twice, and drops what is now in another drive', async () => {
    const engine = open({})
    await engine.run()
    const [first, second] = [...engine.files.keys()]
    const file = (id: string | undefined, more: object) => ({
      changeType: 'file',
      fileId: id,
      file: { id, name: 'x', mimeType: 'text/plain', ...more },
    })
    const changes = [
      { changeType: 'file', fileId: first, removed: true },
      file(first, {}),
      file(second, { driveId: 'other' }),
      { changeType: 'drive', driveId: 'other', removed: true },
    ]
    await fault('/changes', { type: 'error', status: 200, body: { changes, newStartPageToken: '1' } })
    expect(await engine.run()).toMatchObject([{ files: [{ id: first }], removed: [second] }])
  })

  it('agrees with Drive after any sequence of changes', async () => {
    const random = randomNumbers(20261121)
    const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]
    await makeTree(folderId, 3, 3)
    const account = open({}, 4)
    const folder = open({ folder_id: folderId }, 4)
    const place = await google.createFolder({ name: `Beside ${folderId}` })

    for (let round = 0; round < 25; round += 1) {
      for (let change = 0; change < 6; change += 1) {
        const entries = await google.files()
        const inside = entries.filter((entry) => within(entries, entry.parentId, [folderId, place.id]))
        const item = pick(inside)
        const parentId = pick([folderId, place.id, ...inside.filter((entry) => entry.isFolder).map((entry) => entry.id)])
        const kind = random()
        if (item === undefined || parentId === undefined || kind < 0.25)
          await google.createFile({ parentId: parentId ?? folderId, name: `r${round}` })
        else if (kind < 0.35) await google.createFolder({ parentId, name: `f${round}` })
        else if (kind < 0.5) await google.updateFile({ id: item.id, name: `n${round}` })
        else if (kind < 0.75 && !within(entries, parentId, [item.id])) await google.updateFile({ id: item.id, parentId })
        else if (kind < 0.93) await google.updateFile({ id: item.id, trashed: !item.trashed })
        else {
          // What was moved into a folder since the last run and is deleted with it is in no feed.
          for (const engine of [account, folder]) await engine.run()
          await google.deleteFile(item.id)
        }
      }
      await account.run()
      await folder.run()
      expect({ round, files: stored(account) }).toEqual({ round, files: await truth({}) })
      expect({ round, files: stored(folder) }).toEqual({ round, files: await truth({ folder: folderId }) })
    }
  })
})

describe('endpoint_config', () => {
  it.each([
    [{ folderId: 'x' }, 'folderId', 'unknown key "folderId"'],
    [{ folder_id: 'https://drive.google.com/drive/folders/x' }, 'folder_id', 'after /folders/'],
    [{ drive_id: 7 }, 'drive_id', 'needs an id'],
    [{ drive_id: 'a', folder_id: 'b' }, 'drive_id', 'not both'],
    [null, 'endpoint_config', 'must be an object'],
  ])('%j is refused with the name of the field', async (config, field, text) => {
    const error = { code: 'invalid_request', context: { field }, message: expect.stringContaining(text) }
    await expect(open(config).run()).rejects.toMatchObject(error)
    expect(await requestedPaths()).toEqual([])
  })

  it('says so when folder_id is not a folder, or cannot be seen', async () => {
    const file = await google.createFile({ parentId: folderId, name: 'a.txt' })
    await expect(open({ folder_id: file.id }).run()).rejects.toMatchObject({
      code: 'invalid_request',
      context: { field: 'folder_id' },
    })
    await expect(open({ folder_id: 'unknown' }).run()).rejects.toMatchObject({ code: 'provider_not_found' })
    await expect(open({ drive_id: folderId }).run()).rejects.toMatchObject({ code: 'provider_not_found' })
  })
})

describe('errors of Google', () => {
  it('pass by themselves where they can', async () => {
    const engine = open({})
    for (const answer of [
      { type: 'quota' as const },
      { type: 'rate-limit' as const },
      { type: 'cut-body' as const },
      { type: 'server-error' as const, html: true },
    ]) {
      await fault('/files', answer)
    }
    for (const reason of ['rateLimitExceeded', 'dailyLimitExceeded']) await fault('/changes', googleError(403, reason))
    await engine.run()
    await engine.run()
    expect(stored(engine)).toEqual(await truth({}))
  })

  it.each([
    [403, 'insufficientPermissions', 'missing_scope', 'reconnect'],
    [401, 'authError', 'provider_unauthorized', 'reconnect'],
    [403, 'accessNotConfigured', 'provider_forbidden', 'rejected'],
    [403, 'domainPolicy', 'provider_forbidden', 'rejected'],
    [404, 'notFound', 'provider_not_found', 'rejected'],
    [400, 'invalid', 'provider_rejected', 'rejected'],
  ])('%i %s is %s', async (status, reason, code, outcome) => {
    await fault('/files', googleError(status, reason))
    await expect(open({}).run()).rejects.toMatchObject({ code, outcome, context: { provider: 'google-drive', status, reason } })
  })

  it('have their reason in the details, where newer ones have it', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT' }]
    await fault('/files', { type: 'error', status: 403, body: { error: { code: 403, message: null, details } } })
    await expect(open({}).run()).rejects.toMatchObject({ code: 'missing_scope' })
  })
})

describe('requests', () => {
  // Names that do not exist do not compile.
  const listed: (keyof drive_v3.Params$Resource$Files$List)[] = [
    'q',
    'pageSize',
    'pageToken',
    'fields',
    'spaces',
    'corpora',
    'driveId',
    'includeItemsFromAllDrives',
    'supportsAllDrives',
  ]
  const changes: (keyof drive_v3.Params$Resource$Changes$List)[] = [
    'pageToken',
    'pageSize',
    'fields',
    'spaces',
    'includeRemoved',
    'driveId',
    'includeItemsFromAllDrives',
    'supportsAllDrives',
  ]
  const documented: Record<string, readonly string[]> = {
    '/files': listed,
    '/changes': changes,
    '/changes/startPageToken': [
      'fields',
      'driveId',
      'supportsAllDrives',
    ] satisfies (keyof drive_v3.Params$Resource$Changes$Getstartpagetoken)[],
    '/files/:fileId': ['fields', 'supportsAllDrives'] satisfies (keyof drive_v3.Params$Resource$Files$Get)[],
    '/about': ['fields'] satisfies (keyof drive_v3.Params$Resource$About$Get)[],
  }
  const description = new URL('../../../shared/specs/google-drive/drive.v3.discovery.json', import.meta.url)

  it('carry only parameters and fields that Google documents', async (context) => {
    for (const config of [{}, { drive_id: driveId }, { folder_id: folderId }]) {
      const engine = open(config, 2)
      await engine.run()
      await engine.run()
    }
    await api.send(googleDrive.account.request)
    const requests = (await admin.requests()).filter((request) => request.host === 'www.googleapis.com')
    const seen = Map.groupBy(requests, (request) => route(request.path))
    expect([...seen.keys()].toSorted()).toEqual(Object.keys(documented).toSorted())
    for (const [path, sent] of seen) {
      const names = new Set(sent.flatMap((request) => Object.keys(request.query)))
      expect([path, [...names].toSorted()]).toEqual([path, documented[path]?.toSorted()])
    }

    context.skip(!existsSync(description), 'The discovery document is not beside this clone: fields are not checked against it.')
    const { resources, schemas } = Discovery.parse(JSON.parse(readFileSync(description, 'utf8')))
    for (const [path, sent] of seen) {
      const method = Object.values(resources)
        .flatMap((resource) => Object.values(resource.methods))
        .find((candidate) => candidate.httpMethod === 'GET' && `/${candidate.path.replace('{fileId}', ':fileId')}` === path)
      expect(method, path).toBeDefined()
      for (const { query } of sent) {
        for (const name of Object.keys(query)) expect(Object.keys({ ...method?.parameters, fields: {} }), path).toContain(name)
        expect(unknownFields(query['fields'] ?? '', method?.response.$ref ?? '', schemas), path).toEqual([])
      }
    }
  })

  it('name the account by an id that stays, and a label that a person knows', async () => {
    const { body } = await api.send(googleDrive.account.request)
    expect(googleDrive.account.read(body)).toEqual({ id: expect.stringMatching(/^\d+$/), label: pat })
  })
})

const folderMime = 'application/vnd.google-apps.folder'

/** Requests to the Drive API since the beginning of the test. */
async function requestedPaths(): Promise<string[]> {
  const requests = await admin.requests()
  return requests.filter(({ host }) => host === 'www.googleapis.com').map(({ path }) => path.replace('/drive/v3', ''))
}

/** True when `id` is one of `roots` or below one. */
function within(entries: { id: string; parentId: string | null }[], id: string | null, roots: string[]): boolean {
  for (let at = id; at !== null; at = entries.find((entry) => entry.id === at)?.parentId ?? null)
    if (roots.includes(at)) return true
  return false
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function route(path: string): string {
  return path.replace('/drive/v3', '').replace(/^\/files\/.+/, '/files/:fileId')
}

/** `width` files and, down to `depth`, `width` folders in each folder. */
async function makeTree(parentId: string, depth: number, width: number): Promise<void> {
  await google.createFiles({ parentId, count: width, prefix: 'file ' })
  if (depth <= 1) return
  for (let number = 1; number <= width; number += 1) {
    const folder = await google.createFolder({ parentId, name: `Folder ${number}` })
    await makeTree(folder.id, depth - 1, width)
  }
}
