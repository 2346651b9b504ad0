import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient, type SandboxClient, type SandboxFilesClient } from '../../src/sandbox/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { fileStream } from '../../src/shared/providers/google-drive/file-stream.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { connectAccount } from '../providers/drive-account.ts'
import { EngineDouble } from '../providers/engine-double.ts'

let sandbox: Sandbox
let admin: SandboxClient

beforeAll(async () => {
  sandbox = await startSandbox()
  admin = sandboxClient(sandbox.url)
})
afterAll(() => sandbox.close())

const types = await endpointTypes()

/** Names that a file system, a URL or a query language might stumble over. */
const oddNames = [
  'a/b.txt',
  '../up.txt',
  ' leading and trailing ',
  'it\'s \\ "quoted".pdf',
  'Größe – 図面 🏗.dwg',
  '\u202Egnp.exe',
  'e\u0301.txt',
  '\u00e9.txt',
  '100% #1?&=+.csv',
  'line\nbreak\ttab',
  '.',
  'x'.repeat(255),
]

it('knows the endpoint types that have files, and no others', async () => {
  expect(await admin.fileTypes()).toEqual(types.map(({ type }) => type))
  await expect(admin.files('no_such_type').createTree('x', 'y')).rejects.toThrow(
    'The sandbox has no files of the type no_such_type',
  )
})

describe.each(types)('the files of $type', ({ type, providerId }) => {
  let files: SandboxFilesClient
  let account: string
  let rootId: string

  beforeEach(async ({ task }) => {
    files = admin.files(type)
    account = (await admin.control(providerId).accounts())[0]?.name ?? ''
    rootId = (await files.createTree(account, task.name)).rootId
  })

  const paths = async (id = rootId) => (await files.list(id)).map(({ path }) => path).toSorted()
  const only = (ids: readonly string[]): string => {
    expect(ids).toHaveLength(1)
    return ids[0] ?? ''
  }
  const addFolder = async (name: string, parentId = rootId) => only(await files.addFolders(parentId, [name]))
  const addFile = async (name: string, parentId = rootId) => only(await files.addFiles(parentId, [{ name }]))

  it('begin as an empty tree, which an endpoint can name', async () => {
    const { config, rootId: other } = await files.createTree(account, 'Another')
    expect(Object.keys(config)).not.toEqual([])
    expect(other).not.toBe(rootId)
    expect(await files.list(other)).toEqual([])
  })

  it('are listed with their paths, sizes and times', async () => {
    const plans = await addFolder('Plans')
    const old = await addFolder('Old', plans)
    const facts = { size: 7, created: '2020-02-29T23:59:59.123Z', modified: '2021-03-01T00:00:00.456Z' }
    const [id] = await files.addFiles(old, [{ name: 'a.dwg', ...facts }])
    await addFile('top.txt')
    expect(await paths()).toEqual(['/Plans/Old/a.dwg', '/top.txt'])
    expect(await files.list(plans)).toEqual([{ id, path: '/Old/a.dwg', ...facts }])
  })

  it('may have any name, any size from nothing to 5 TB, and times before 1970', async () => {
    const ids = await files.addFiles(
      rootId,
      oddNames.map((name) => ({ name })),
    )
    expect(new Set(ids).size).toBe(oddNames.length)
    const sizes = [0, 1, 2 ** 31, 2 ** 32 + 1, 5_000_000_000_000, null]
    await files.addFiles(
      rootId,
      sizes.map((size) => ({ name: `${size} bytes`, size })),
    )
    const early = { created: '1901-12-13T20:45:52.000Z', modified: '1969-12-31T23:59:59.999Z' }
    await files.addFiles(rootId, [{ name: 'early', ...early }])

    const listed = new Map((await files.list(rootId)).map((file) => [file.path, file]))
    expect([...listed.keys()].toSorted()).toEqual(
      [...oddNames, ...sizes.map((size) => `${size} bytes`), 'early'].map((name) => `/${name}`).toSorted(),
    )
    expect(sizes.map((size) => listed.get(`/${size} bytes`)?.size)).toEqual(sizes)
    expect(listed.get('/early')).toMatchObject(early)
  })

  it('are renamed and moved, with everything in a folder', async () => {
    const plans = await addFolder('Plans')
    const archive = await addFolder('Archive')
    const file = await addFile('a.txt', plans)
    await files.rename(file, 'b.txt')
    await files.rename(plans, 'Drawings')
    expect(await paths()).toEqual(['/Drawings/b.txt'])
    await files.move(plans, archive)
    expect(await paths()).toEqual(['/Archive/Drawings/b.txt'])
    await files.move(file, rootId)
    expect(await paths()).toEqual(['/b.txt'])
    expect((await files.list(rootId))[0]?.id).toBe(file)
  })

  it('are not listed while they, or a folder around them, are in the trash', async () => {
    const folder = await addFolder('Plans')
    const inner = await addFile('inner.txt', folder)
    const outer = await addFile('outer.txt')
    await files.trash(folder)
    await files.trash(outer)
    expect(await paths()).toEqual([])
    await files.restore(folder)
    expect(await paths()).toEqual(['/Plans/inner.txt'])
    await files.restore(outer)
    expect(await paths()).toEqual(['/Plans/inner.txt', '/outer.txt'])
    expect((await files.list(rootId)).map(({ id }) => id).toSorted()).toEqual([inner, outer].toSorted())
  })

  it('are gone once they are removed', async () => {
    const folder = await addFolder('Plans')
    await addFile('inner.txt', folder)
    const outer = await addFile('outer.txt')
    await files.remove(folder)
    expect(await paths()).toEqual(['/outer.txt'])
    await files.remove(outer)
    expect(await paths()).toEqual([])
  })

  it('can be hidden from the account, with what is below a folder, and shown again', async () => {
    const folder = await addFolder('Plans')
    await addFile('inner.txt', folder)
    const outer = await addFile('outer.txt')
    await files.setVisible(folder, false)
    expect(await paths()).toEqual(['/outer.txt'])
    await files.setVisible(outer, false)
    expect(await paths()).toEqual([])
    await files.setVisible(folder, true)
    await files.setVisible(outer, true)
    expect(await paths()).toEqual(['/Plans/inner.txt', '/outer.txt'])
  })

  it('come 10,000 at a time', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ name: `file ${index}.txt`, size: index }))
    const ids = await files.addFiles(rootId, many)
    expect(new Set(ids).size).toBe(10_000)
    expect(
      await files.addFolders(
        rootId,
        many.map(({ name }) => name),
      ),
    ).toHaveLength(10_000)
    const listed = new Map((await files.list(rootId)).map((file) => [file.id, file]))
    expect(ids.map((id) => listed.get(id)?.path)).toEqual(many.map(({ name }) => `/${name}`))
  })

  it('refuse what a person could not do either', async () => {
    const folder = await addFolder('Plans')
    const inner = await addFolder('Inner', folder)
    await expect(files.move(folder, inner)).rejects.toThrow('400')
    await expect(files.rename('no-such-id', 'x')).rejects.toThrow('400')
    await expect(files.addFiles(await addFile('a.txt'), [{ name: 'b.txt' }])).rejects.toThrow('400')
    await expect(files.createTree('nobody@example.org', 'x')).rejects.toThrow('nobody@example.org')
    await expect(files.addFiles(rootId, [{ name: 'x', size: -1 }])).rejects.toThrow('size')
  })
})

describe('google_drive', () => {
  let api: ProviderApi
  beforeAll(async () => {
    api = await connectAccount(sandbox.url, 'pat@example.com')
  })

  it('tells the account of what it can no longer see as of something removed, and of what it sees again with its contents', async () => {
    const files = admin.files('google_drive')
    const { config, rootId } = await files.createTree('pat@example.com', 'Shared')
    const [folder = ''] = await files.addFolders(rootId, ['Plans'])
    const [inner = ''] = await files.addFiles(folder, [{ name: 'inner.txt' }])
    const [outer = ''] = await files.addFiles(rootId, [{ name: 'outer.txt' }])
    const engine = new EngineDouble(fileStream, api, config)
    await engine.run()
    expect(engine.paths()).toEqual(['/Plans/inner.txt', '/outer.txt'])

    await files.setVisible(folder, false)
    await files.setVisible(outer, false)
    const [page] = await engine.run()
    expect(page).toMatchObject({ pass: 'changes', removed: [folder, outer] })
    expect(engine.paths()).toEqual([])

    // A change that nobody else can see is no news, and is there when the file is.
    await files.rename(inner, 'renamed.txt')
    expect((await engine.run())[0]).toMatchObject({ files: [], removed: [] })
    await files.setVisible(folder, true)
    await files.setVisible(outer, true)
    await engine.run()
    expect(engine.paths()).toEqual(['/Plans/renamed.txt', '/outer.txt'])
  })

  it('tells of the end of what was changed and then, with the folder around it, closed to the account', async () => {
    const files = admin.files('google_drive')
    const { config, rootId } = await files.createTree('pat@example.com', 'Closed')
    const [folder = ''] = await files.addFolders(rootId, ['Plans'])
    const [moved = ''] = await files.addFiles(rootId, [{ name: 'moved.txt' }])
    const engine = new EngineDouble(fileStream, api, config)
    await engine.run()

    await files.move(moved, folder)
    await files.setVisible(folder, false)
    await files.rename(moved, 'renamed.txt')
    const [page] = await engine.run()
    expect(page).toMatchObject({ pass: 'changes', removed: [moved, folder] })
    expect(engine.paths()).toEqual([])
  })

  it('is read as the control lists it, odd names and sizes included', async () => {
    const files = admin.files('google_drive')
    const { config, rootId } = await files.createTree('pat@example.com', 'Odd')
    const [folder = ''] = await files.addFolders(rootId, ['a/b'])
    const early = '1969-12-31T23:59:59.999Z'
    await files.addFiles(folder, [
      ...oddNames.map((name) => ({ name, created: early, modified: early })),
      { name: 'large', size: 5_000_000_000_000 },
    ])
    const engine = new EngineDouble(fileStream, api, config)
    await engine.run()
    const read = [...engine.files.values()].map(({ id, path, size, created, updated }) => ({
      id,
      path,
      size,
      created,
      modified: updated,
    }))
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    expect(read.toSorted(byId)).toEqual((await files.list(rootId)).toSorted(byId))
  })
})

/** Every endpoint type with a control, and the provider that it belongs to. */
async function endpointTypes(): Promise<{ type: string; providerId: string }[]> {
  await using probe = await startSandbox()
  const found = await sandboxClient(probe.url).fileTypes()
  return found.map((type) => {
    const owner = providers.find(({ streams }) => type in streams)
    if (owner === undefined) throw new Error(`No provider has the endpoint type ${type}.`)
    return { type, providerId: owner.id }
  })
}
