import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { autodeskSandbox } from '../../src/sandbox/autodesk/client.ts'
import { sandboxClient, type SandboxClient, type SandboxFilesClient } from '../../src/sandbox/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { provider as autodesk } from '../../src/shared/providers/autodesk/definition.ts'
import { connectApp, connectPerson } from './autodesk-account.ts'
import { EngineDouble } from './engine-double.ts'

const stream = autodesk.streams.autodesk_construction_cloud
// An administrator in their first account, and somebody who is none.
const pat = 'pat@example.com'
const sam = 'sam@example.org'

let sandbox: Sandbox
let admin: SandboxClient
let files: SandboxFilesClient
let api: ProviderApi
/** A project of Pat's. Each test has its own. */
let project: Awaited<ReturnType<SandboxFilesClient['createTree']>>
let projects = 0

beforeAll(async () => {
  sandbox = await startSandbox()
  admin = sandboxClient(sandbox.url)
  files = admin.files('autodesk_construction_cloud')
  api = await connectPerson(sandbox.url, pat)
})

beforeEach(async () => {
  projects += 1
  project = await files.createTree(pat, `Project ${projects}`)
  await admin.clearFaults()
  await admin.clearRequests()
})

afterAll(async () => {
  await sandbox.close()
})

const open = (config: unknown, pageSize?: number, as = api) => new EngineDouble(stream, as, config, pageSize)
const paths = async () => (await files.list(project.rootId)).map(({ path }) => `/Project Files${path}`).toSorted()

/** Paths below `/data/v1/projects/{project}` that were asked for. */
async function asked(): Promise<string[]> {
  const requests = await admin.requests()
  return requests.map(({ path }) => decodeURIComponent(path).replace(/^\/data\/v1\/projects\/[^/]+/, ''))
}

/** `count` folders in a folder, each with folders and files in it, to a depth. */
async function grow(
  parentId: string,
  { folders, files: count, depth }: { folders: number; files: number; depth: number },
): Promise<void> {
  const names = (what: string, many: number) => Array.from({ length: many }, (_, index) => `${what} ${index}`)
  await files.addFiles(
    parentId,
    names('file', count).map((name) => ({ name: `${name}.pdf`, size: 10 })),
  )
  if (depth === 0) return
  for (const id of await files.addFolders(parentId, names('folder', folders)))
    await grow(id, { folders, files: count, depth: depth - 1 })
}

describe('a full pass', () => {
  it('stores all files of a project, each at its path', async () => {
    await grow(project.rootId, { folders: 3, files: 4, depth: 3 })
    const engine = open(project.config)
    const pages = await engine.run()
    expect(engine.paths()).toEqual(await paths())
    expect(engine.paths()).toHaveLength(160)
    expect(pages.at(-1)).toMatchObject({ pass: 'full', more: false, next: null, frontier: 'cursor' })
  })

  it('reads a file from its newest version, times and all', async () => {
    const [id] = await files.addFiles(project.rootId, [
      { name: 'plan.dwg', size: 5, created: '2024-11-02T13:59:09.123Z', modified: '2024-11-03T00:00:00Z' },
    ])
    await autodeskSandbox(sandbox.url).addVersion({ id: id!, size: 7 })
    const engine = open(project.config)
    await engine.run()
    expect(engine.files.get(id!)).toMatchObject({
      name: 'plan.dwg',
      path: '/Project Files/plan.dwg',
      parent: project.rootId,
      size: 7,
      mime: null,
      created: '2024-11-02T13:59:09.123000Z',
      updated: expect.stringMatching(/^20\d\d-[\d-]+T[\d:]+\.\d{6}Z$/),
      link: expect.stringMatching(/^https:\/\/acc\.autodesk\.com\/docs\/files\/projects\/.+&entityId=urn/),
      metadata: {
        version_id: expect.stringMatching(/\?version=2$/),
        version_number: 2,
        version_type: 'versions:autodesk.bim360:File',
        storage_id: expect.stringContaining('urn:adsk.objects:os.object:'),
      },
    })
  })

  it('gives the same file again when nothing has changed', async () => {
    await grow(project.rootId, { folders: 2, files: 3, depth: 2 })
    const engine = open(project.config)
    await engine.run()
    const before = structuredClone([...engine.files])
    await engine.run()
    expect([...engine.files]).toEqual(before)
  })

  it('is the same in small pages, and no page has more files than were asked for', async () => {
    await grow(project.rootId, { folders: 3, files: 7, depth: 2 })
    for (const size of [1, 3, 10]) {
      const engine = open(project.config, size)
      const pages = await engine.run()
      expect(engine.paths()).toEqual(await paths())
      expect(Math.max(...pages.map((page) => page.files.length))).toBeLessThanOrEqual(size)
    }
  })

  it('goes on when the pages become smaller or larger on the way', async () => {
    await grow(project.rootId, { folders: 3, files: 9, depth: 2 })
    const engine = open(project.config, 7)
    const sizes = [2, 1000, 4, 3, 10]
    await engine.run(async () => {
      engine.pageSize = sizes.shift() ?? 5
    })
    expect(engine.paths()).toEqual(await paths())
  })

  it('leaves out nothing when entries of a large folder go while it is listed', async () => {
    const ids = await files.addFiles(
      project.rootId,
      Array.from({ length: 60 }, (_, index) => ({ name: `${String(index).padStart(2, '0')}.pdf` })),
    )
    for (const readsAhead of [false, true]) {
      const engine = open(project.config, 10)
      engine.readsAhead = readsAhead
      const gone = readsAhead ? ids.slice(10, 20) : ids.slice(0, 10)
      let pages = 0
      await engine.run(async () => {
        pages += 1
        if (pages % 4 === 0) await files.trash(gone.pop()!)
      })
      expect(gone.length).toBeLessThan(9)
      const there = await paths()
      expect(there.filter((path) => !engine.paths().includes(path))).toEqual([])
    }
  })

  it('may be read ahead', async () => {
    await grow(project.rootId, { folders: 3, files: 4, depth: 2 })
    const engine = open(project.config, 7)
    engine.readsAhead = true
    const pages = await engine.run()
    expect(engine.paths()).toEqual(await paths())
    expect(pages).toEqual(await open(project.config, 7).run())
  })

  it('lists several folders at once, and asks for little twice', async () => {
    await grow(project.rootId, { folders: 5, files: 20, depth: 2 })
    const engine = open(project.config, 100)
    const pages = await engine.run()
    const listings = (await asked()).filter((path) => path.endsWith('/contents'))
    // One of Project Files, five in it, twenty-five in those.
    expect(listings.length).toBeLessThanOrEqual(31 + 4)
    expect(pages.length).toBeLessThan(15)
  })

  it('sees what was renamed, moved, deleted and restored since the last one', async () => {
    await grow(project.rootId, { folders: 3, files: 3, depth: 2 })
    const engine = open(project.config)
    await engine.run()
    const folders = [...engine.folders.values()]
    const [outer, other] = folders.filter(({ parent }) => parent === project.rootId)
    const inner = folders.find(({ parent }) => parent === outer!.id)
    const [first, second, third] = [...engine.files.values()].filter(({ parent }) => parent === project.rootId)
    await files.rename(outer!.id, 'renamed')
    await files.move(inner!.id, other!.id)
    await files.rename(first!.id, 'renamed.pdf')
    await files.trash(second!.id)
    await files.trash(third!.id)
    await files.restore(third!.id)
    await engine.run()
    expect(engine.paths()).toEqual(await paths())
    expect(engine.paths()).toContain('/Project Files/renamed.pdf')

    await files.trash(other!.id)
    await engine.run()
    expect(engine.paths()).toEqual(await paths())
  })

  it('covers one folder only, when the endpoint names it', async () => {
    await grow(project.rootId, { folders: 3, files: 3, depth: 2 })
    const whole = open(project.config)
    await whole.run()
    const folder = [...whole.folders.values()].find(({ parent }) => parent === project.rootId)!
    await admin.clearRequests()

    const engine = open({ project_id: project.config['project_id'], folder_id: folder.id })
    await engine.run()
    const begin = `/Project Files/${folder.name}`
    expect(engine.paths()).toEqual(
      (await paths()).filter((path) => path.startsWith(`${begin}/`)).map((path) => path.slice(begin.length)),
    )
    // Neither the account nor the project is asked for.
    expect((await asked()).filter((path) => path.startsWith('/project'))).toEqual([])
  })

  it('finds the account that a project is in', async () => {
    await files.addFiles(project.rootId, [{ name: 'a.pdf' }])
    const engine = open({ project_id: project.config['project_id'] })
    await engine.run()
    expect(engine.paths()).toEqual(['/Project Files/a.pdf'])
    expect((await admin.requests()).map(({ path }) => decodeURIComponent(path)).slice(0, 2)).toEqual([
      '/project/v1/hubs',
      `/project/v1/hubs/${String(project.config['hub_id'])}/projects/${String(project.config['project_id'])}`,
    ])
  })

  it('leaves out the folders that Autodesk keeps for itself', async () => {
    const engine = open(project.config)
    await engine.run()
    const top = [...engine.folders.values()].filter(({ parent }) => parent === project.config['project_id'])
    expect(top.map(({ name }) => name)).toEqual(['Project Files'])
  })

  it('is the app’s own, when the connection is: of projects in other accounts too', async () => {
    const theirs = await files.createTree(sam, 'Theirs')
    await files.addFiles(theirs.rootId, [{ name: 'a.pdf' }])
    const engine = open(theirs.config, 100, await connectApp(sandbox.url, ['data:read']))
    await engine.run()
    expect(engine.paths()).toEqual(['/Project Files/a.pdf'])
    await expect(open(theirs.config).run()).rejects.toMatchObject({ code: 'provider_forbidden' })
  })
})

describe('what is out of sight', () => {
  const contents = (id: string) => `^.*/folders/${encodeURIComponent(id)}/contents$`
  const fault = (path: string, status: number, code: string, times: number | 'always' = 1) =>
    admin.addFault({
      match: { path },
      fault: { type: 'error', status, body: { errors: [{ status: `${status}`, code }] } },
      times,
    })

  it.each([
    [404, 'NOT_FOUND'],
    [403, 'BIM360DM_ERROR'],
  ])('goes, when it is a folder on the way (%i)', async (status, code) => {
    await grow(project.rootId, { folders: 2, files: 2, depth: 1 })
    const engine = open(project.config)
    await engine.run()
    const gone = [...engine.folders.values()].find(({ name }) => name === 'folder 1')!
    await fault(contents(gone.id), status, code)
    await engine.run()
    expect(engine.paths()).toEqual((await paths()).filter((path) => !path.includes('folder 1')))
  })

  it.each([
    [404, 'NOT_FOUND', 'provider_not_found'],
    [403, 'BIM360DM_ERROR', 'provider_forbidden'],
  ])('fails the pass, when it is the whole project (%i), and nothing is deleted', async (status, code, expected) => {
    await grow(project.rootId, { folders: 2, files: 2, depth: 1 })
    const engine = open(project.config)
    await engine.run()
    const before = engine.paths()

    // From the beginning.
    await fault('^.*/topFolders$', status, code)
    await expect(engine.run()).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining('Give the account access'),
    })
    expect(engine.paths()).toEqual(before)

    // In the middle: what is closed there is not skipped, as more is closed than that.
    await expect(
      engine.run(async (page) => {
        if (page.files.length > 0) await fault('^.*(/contents|/topFolders)$', status, code, 'always')
      }),
    ).rejects.toMatchObject({ code: expected })
    expect(engine.paths()).toEqual(before)

    await admin.clearFaults()
    await engine.run()
    expect(engine.paths()).toEqual(before)
  })

  it('fails the pass, when folders can be named and none can be opened', async () => {
    await files.addFiles(project.rootId, [{ name: 'a.pdf' }])
    const engine = open(project.config)
    await engine.run()
    await fault('^.*/contents$', 403, 'BIM360DM_ERROR', 'always')
    await expect(engine.run()).rejects.toMatchObject({ code: 'provider_forbidden' })
    expect(engine.paths()).toEqual(['/Project Files/a.pdf'])
  })

  it('fails the pass, when it is the endpoint’s own folder, or that is deleted', async () => {
    const [id] = await files.addFolders(project.rootId, ['own'])
    await files.addFiles(id!, [{ name: 'a.pdf' }])
    const engine = open({ project_id: project.config['project_id'], folder_id: id })
    await engine.run()
    await files.trash(id!)
    await expect(engine.run()).rejects.toMatchObject({ code: 'provider_not_found' })
    expect(engine.paths()).toEqual(['/a.pdf'])
  })

  it('is said of a project that no account has', async () => {
    await expect(open({ project_id: 'b.3d8c0a52-0000-4000-8000-000000000000' }).run()).rejects.toMatchObject({
      code: 'provider_not_found',
      context: { field: 'project_id' },
    })
  })

  it('comes back with the permission', async () => {
    const theirs = await files.createTree(sam, 'Theirs')
    const [closed] = await files.addFolders(theirs.rootId, ['closed'])
    await files.addFiles(closed!, [{ name: 'a.pdf' }])
    await files.addFiles(theirs.rootId, [{ name: 'b.pdf' }])
    const engine = open(theirs.config, 100, await connectPerson(sandbox.url, sam))
    await engine.run()
    await files.setVisible(closed!, false)
    await engine.run()
    expect(engine.paths()).toEqual(['/Project Files/b.pdf'])
    await files.setVisible(closed!, true)
    await engine.run()
    expect(engine.paths()).toEqual(['/Project Files/b.pdf', '/Project Files/closed/a.pdf'])
  })
})

describe('single items', () => {
  it('are fetched with the folders above them that are new', async () => {
    const engine = open(project.config)
    await engine.run()
    const [outer] = await files.addFolders(project.rootId, ['outer'])
    const [inner] = await files.addFolders(outer!, ['inner'])
    const ids = await files.addFiles(inner!, [{ name: 'a.pdf' }, { name: 'b.pdf' }])
    const page = await engine.runTargets(ids)
    expect(page.folders.map(({ name, listed }) => ({ name, listed }))).toEqual([
      { name: 'outer', listed: true },
      { name: 'inner', listed: true },
    ])
    expect(engine.paths()).toEqual(['/Project Files/outer/inner/a.pdf', '/Project Files/outer/inner/b.pdf'])
    // Two items, and each new folder once.
    expect((await asked()).filter((path) => /^\/(items|folders)\/[^/]+$/.test(path))).toHaveLength(4)
  })

  it('are removed when they are deleted, moved out of the endpoint’s folder, or in a folder that is deleted', async () => {
    const [own, other] = await files.addFolders(project.rootId, ['own', 'other'])
    const [sub] = await files.addFolders(own!, ['sub'])
    const [deleted, moved, renamed] = await files.addFiles(own!, [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const engine = open({ project_id: project.config['project_id'], folder_id: own })
    await engine.run()
    const [late] = await files.addFolders(sub!, ['late'])
    const [inDeleted] = await files.addFiles(late!, [{ name: 'd' }])
    await files.trash(late!)
    await files.trash(deleted!)
    await files.move(moved!, other!)
    await files.rename(renamed!, 'c2')
    const page = await engine.runTargets([deleted!, moved!, renamed!, inDeleted!])
    expect(page.removed.toSorted()).toEqual([deleted!, moved!, inDeleted!].toSorted())
    expect(engine.paths()).toEqual(['/c2'])

    await files.restore(deleted!)
    await engine.runTargets([deleted!])
    expect(engine.paths()).toEqual(['/a', '/c2'])
  })

  it('are left to the next pass when the account may not see them', async () => {
    const theirs = await files.createTree(sam, 'Theirs')
    const [closed, seen] = await files.addFiles(theirs.rootId, [{ name: 'a.pdf' }, { name: 'b.pdf' }])
    const engine = open(theirs.config, 100, await connectPerson(sandbox.url, sam))
    await engine.run()
    await files.setVisible(closed!, false)
    expect(await engine.runTargets([closed!, seen!])).toMatchObject({ files: [{ id: seen }], removed: [] })
  })
})
