import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { FolderContents } from '../../src/shared/providers/autodesk/answers.ts'
import { openAutodesk, openProject, type OpenAutodesk } from './autodesk-support.ts'

const oddNames = [
  '🏗️ Crane.pdf',
  'مخطط.dwg',
  'Levels 1/2.rvt',
  'two\nlines.txt',
  'Same.pdf',
  'Same.pdf',
  '.hidden',
  "O'Brien & sons?.pdf",
]
const terabyte = 1024 ** 4

async function folderOnDisk(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'autodesk-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

async function paths({ autodesk, files }: Pick<OpenAutodesk, 'autodesk' | 'files'>): Promise<string[]> {
  const { rootId } = await autodesk.firstProject()
  return (await files.list(rootId)).map(({ path, size }) => `${path} ${size}`).toSorted()
}

const names = (resources: readonly { attributes: { name?: string | undefined; displayName?: string | undefined } }[]) =>
  resources.map(({ attributes }) => attributes.name ?? attributes.displayName)

describe('top folders', () => {
  it('are those of people and, for an administrator, those of Autodesk as well', async () => {
    await using project = await openProject()
    const path = `/project/v1/hubs/${project.hubId}/projects/${project.projectId}/topFolders`
    const forPat = await project.list(project.bearer, path)
    expect(names(forPat.data)).toEqual([
      'Project Files',
      'ProjectTb',
      'dm-exchange',
      'COST Root Folder',
      expect.stringMatching(/^[\da-f-]{36}$/),
    ])
    // Pat is no administrator of the account in Europe.
    const hubs = await project.list(project.bearer, '/project/v1/hubs')
    const europe = hubs.data.find(({ attributes }) => attributes['region'] === 'EMEA')
    const { data } = await project.list(project.bearer, `/project/v1/hubs/${europe?.id}/projects`)
    const folders = await project.list(project.bearer, `/project/v1/hubs/${europe?.id}/projects/${data[0]?.id}/topFolders`)
    expect(names(folders.data)).toEqual(['Project Files'])
    expect(folders.data[0]?.id).toMatch(/^urn:adsk\.wipemea:fs\.folder:co\.[\w-]{22}$/)
  })

  it('are Plans and Project Files in a project of BIM 360, whose items leave out the extension', async () => {
    await using autodesk = await openAutodesk()
    await autodesk.admin.control('autodesk').fill('sam@example.org', 5)
    const bearer = await autodesk.appToken('data:read')
    const hubs = await autodesk.list(bearer, '/project/v1/hubs')
    const projects = await autodesk.list(bearer, `/project/v1/hubs/${hubs.data.at(-1)?.id}/projects`)
    const old = projects.data[4]
    const top = await autodesk.list(bearer, `/project/v1/hubs/${hubs.data.at(-1)?.id}/projects/${old?.id}/topFolders`)
    expect(names(top.data).slice(0, 2)).toEqual(['Plans', 'Project Files'])
    await autodesk.files.addFiles(top.data[0]?.id ?? '', [{ name: 'A-101.pdf' }])
    const contents = await autodesk.list(bearer, `/data/v1/projects/${old?.id}/folders/${top.data[0]?.id}/contents`)
    expect(names(contents.data)).toEqual(['A-101'])
    expect(contents.included[0]?.attributes).toMatchObject({
      name: 'A-101.pdf',
      displayName: 'A-101',
      mimeType: 'application/pdf',
    })
  })

  it('are, for who may not see them, the highest folders that were opened, with the way to them', async () => {
    await using project = await openProject()
    const [outer = ''] = await project.files.addFolders(project.rootId, ['Outer'])
    const [inner = ''] = await project.files.addFolders(outer, ['Inner'])
    await project.files.setVisible(project.rootId, false)
    await project.files.setVisible(inner, true)
    const path = `/project/v1/hubs/${project.hubId}/projects/${project.projectId}/topFolders`
    const seen = await project.list(project.bearer, path)
    const open = seen.data.find(({ id }) => id === inner)
    expect(names(seen.data)).not.toContain('Project Files')
    expect(open?.attributes['extension']).toMatchObject({
      data: { folderParents: [{ title: 'Project Files' }, { title: 'Outer' }] },
    })
    expect((await project.request(project.bearer, project.contents(outer))).status).toBe(403)
    expect((await project.request(project.bearer, project.contents(inner))).status).toBe(200)
    // The app itself sees everything, unless it acts for somebody.
    const app = await project.appToken()
    expect((await project.request(app, project.contents(outer))).status).toBe(200)
    const forPat = { headers: { 'x-user-id': '5UNGP2KZFCVW' } }
    expect((await project.request(app, project.contents(outer), forPat)).status).toBe(403)
  })

  it('are closed with the folder that they are in, once they were closed and opened again', async () => {
    await using project = await openProject()
    const [outer = ''] = await project.files.addFolders(project.rootId, ['Outer'])
    const [inner = ''] = await project.files.addFolders(outer, ['Inner'])
    await project.files.setVisible(inner, false)
    await project.files.setVisible(inner, true)
    expect((await project.request(project.bearer, project.contents(inner))).status).toBe(200)
    await project.files.setVisible(outer, false)
    expect((await project.request(project.bearer, project.contents(inner))).status).toBe(403)
  })
})

describe('contents', () => {
  it('have the newest version of each item, whatever its name, size or age', async () => {
    await using project = await openProject()
    const files = [
      ...oddNames.map((name) => ({ name })),
      { name: 'empty.txt', size: 0 },
      { name: 'cloud.e57', size: 5 * terabyte, created: '1969-07-20T20:17:40Z', modified: '1969-07-21T02:56:15.5Z' },
    ]
    const ids = await project.files.addFiles(project.rootId, files)
    const { body } = await project.request(project.bearer, project.contents(project.rootId))
    const { data, included = [] } = FolderContents.parse(body)
    expect(data.map(({ id }) => id)).toEqual(ids)
    expect(included.map(({ attributes }) => attributes.name)).toEqual(files.map(({ name }) => name))
    const times = { createTime: '1969-07-20T20:17:40.0000000Z', lastModifiedTime: '1969-07-21T02:56:15.5000000Z' }
    expect(data.at(-1)?.attributes).toMatchObject(times)
    expect(included.at(-1)?.attributes).toMatchObject({
      storageSize: 5 * terabyte,
      lastModifiedTime: times.lastModifiedTime,
    })
    expect(included.every(({ id }) => /^urn:adsk\.wipprod:fs\.file:vf\.[\w-]{22}\?version=1$/.test(id))).toBe(true)
    expect((await project.files.list(project.rootId)).map(({ path }) => path)).toEqual(files.map(({ name }) => `/${name}`))
  })

  it('come in pages of 200 whose links keep what was asked for, and nothing is missing', async () => {
    await using project = await openProject()
    await project.files.addFolders(
      project.rootId,
      Array.from({ length: 250 }, (_, number) => `Folder ${number}`),
    )
    const ids = await project.files.addFiles(
      project.rootId,
      Array.from({ length: 450 }, (_, number) => ({ name: `${number}.pdf` })),
    )
    const items = await project.list(project.bearer, project.contents(project.rootId, '?filter[type]=items'))
    expect([items.pages, items.data.map(({ id }) => id), items.included.length]).toEqual([3, ids, 450])
    const both = await project.list(project.bearer, project.contents(project.rootId, '?page[limit]=100'))
    expect([both.pages, both.data.length]).toEqual([7, 700])
    await project.admin.addFault({ match: { path: '/data' }, fault: { type: 'short-page', items: 7 }, skip: 1 })
    expect((await project.list(project.bearer, project.contents(project.rootId))).data).toHaveLength(700)
  })

  it.each(['page[limit]=201', 'filter[type]=versions', 'filter[lastModifiedTimeRollup]-ge=yesterday'])(
    'refuse %s',
    async (query) => {
      await using project = await openProject()
      const answer = await project.request(project.bearer, project.contents(project.rootId, `?${query}`))
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 'BAD_INPUT' }] } })
    },
  )

  it('can leave out folders in which nothing has changed since', async () => {
    await using project = await openProject()
    const [quiet = '', busy = ''] = await project.files.addFolders(project.rootId, ['Quiet', 'Busy'])
    const [deep = ''] = await project.files.addFolders(busy, ['Deep'])
    await project.admin.setClockSkew(600)
    const since = new Date(Date.now() + 300_000).toISOString()
    await project.files.addFiles(deep, [{ name: 'new.pdf' }])
    const query = `?filter[lastModifiedTimeRollup]-ge=${encodeURIComponent(since)}`
    expect((await project.list(project.bearer, project.contents(project.rootId, query))).data.map(({ id }) => id)).toEqual([busy])
    const changed = async (id: string) => {
      const headers = { 'if-modified-since': new Date(since).toUTCString() }
      return (await project.request(project.bearer, `${project.base}/folders/${id}`, { headers })).status
    }
    expect([await changed(quiet), await changed(busy)]).toEqual([304, 200])
  })

  it('of a folder with 10,000 files end with the fiftieth', async () => {
    await using project = await openProject()
    const files = Array.from({ length: 10_000 }, (_, number) => ({ name: `${String(number).padStart(4, '0')}.pdf` }))
    await project.files.addFiles(project.rootId, files)
    const last = await project.list(project.bearer, project.contents(project.rootId, '?page[number]=49'))
    expect(last.data).toHaveLength(200)
    const beyond = await project.list(project.bearer, project.contents(project.rootId, '?page[number]=50'))
    expect(beyond.data).toEqual([])
  })
})

describe('a deleted file', () => {
  it('is hidden, with a version that says so, and comes back with another', async () => {
    await using project = await openProject()
    const [id = ''] = await project.files.addFiles(project.rootId, [{ name: 'plan.pdf', size: 7 }])
    const body = (item: string) => ({
      jsonapi: { version: '1.0' },
      data: {
        type: 'versions',
        attributes: { extension: { type: 'versions:autodesk.core:Deleted', version: '1.0' } },
        relationships: { item: { data: { type: 'items', id: item } } },
      },
    })
    const deleted = await project.request(project.bearer, `${project.base}/versions`, { method: 'POST', json: body(id) })
    expect(deleted).toMatchObject({
      status: 201,
      body: {
        data: {
          attributes: {
            name: expect.stringMatching(/^[\da-f-]{36}$/),
            versionNumber: 2,
            extension: { type: 'versions:autodesk.core:Deleted', data: { originalName: 'plan.pdf' } },
          },
        },
        included: [{ id, attributes: { hidden: true, displayName: 'plan.pdf' } }],
      },
    })
    expect((await project.list(project.bearer, project.contents(project.rootId))).data).toEqual([])
    const hidden = await project.list(project.bearer, project.contents(project.rootId, '?includeHidden=true'))
    expect(hidden.data.map((item) => [item.id, item.attributes.hidden])).toEqual([[id, true]])
    expect((await project.request(project.bearer, `${project.base}/items/${id}`)).status).toBe(200)

    const first = id.replace('dm.lineage:', 'fs.file:vf.')
    const copy = `${project.base}/versions?copyFrom=${encodeURIComponent(`${first}?version=1`)}`
    const json = { jsonapi: { version: '1.0' }, data: { type: 'versions' } }
    const restored = await project.request(project.bearer, copy, { method: 'POST', json })
    expect(restored).toMatchObject({
      status: 201,
      body: { data: { attributes: { name: 'plan.pdf', versionNumber: 3, storageSize: 7 } } },
    })
    const versions = await project.list(project.bearer, `${project.base}/items/${encodeURIComponent(id)}/versions`)
    expect(versions.data.map(({ attributes }) => attributes['versionNumber'])).toEqual([3, 2, 1])
    expect((await project.files.list(project.rootId)).map(({ path }) => path)).toEqual(['/plan.pdf'])
  })

  it('cannot be made in a team’s project', async () => {
    await using autodesk = await openAutodesk()
    const bearer = await autodesk.personToken()
    const hubs = await autodesk.list(bearer, '/project/v1/hubs')
    const team = hubs.data.find(({ id }) => id.startsWith('a.'))
    const projects = await autodesk.list(bearer, `/project/v1/hubs/${team?.id}/projects`)
    const base = `/data/v1/projects/${projects.data[0]?.id}`
    const top = await autodesk.list(bearer, `/project/v1/hubs/${team?.id}/projects/${projects.data[0]?.id}/topFolders`)
    const [item = ''] = await autodesk.files.addFiles(top.data[0]?.id ?? '', [{ name: 'a.f3d' }])
    const extension = { type: 'versions:autodesk.core:Deleted', version: '1.0' }
    const relationships = { item: { data: { type: 'items', id: item } } }
    const json = { jsonapi: { version: '1.0' }, data: { type: 'versions', attributes: { extension }, relationships } }
    const answer = await autodesk.request(bearer, `${base}/versions`, { method: 'POST', json })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: 'BAD_INPUT' }] } })
  })
})

describe('folders', () => {
  it('are made, renamed, moved, hidden and shown by an app that may write', async () => {
    await using project = await openProject()
    const post = (json: unknown, bearer = project.bearer) =>
      project.request(bearer, `${project.base}/folders`, { method: 'POST', json })
    const body = (name: string) => ({
      jsonapi: { version: '1.0' },
      data: {
        type: 'folders',
        attributes: { name, extension: { type: 'folders:autodesk.bim360:Folder', version: '1.0' } },
        relationships: { parent: { data: { type: 'folders', id: project.rootId } } },
      },
    })
    const made = await post(body('Drawings'))
    const { data } = z.object({ data: z.object({ id: z.string() }) }).parse(made.body)
    expect(made.status).toBe(201)
    expect((await post(body('Drawings'))).status).toBe(409)
    expect((await post(body('Others'), await project.appToken('data:read'))).status).toBe(403)
    const patch = (attributes: object, relationships?: object) =>
      project.request(project.bearer, `${project.base}/folders/${data.id}`, {
        method: 'PATCH',
        json: {
          jsonapi: { version: '1.0' },
          data: { type: 'folders', id: data.id, attributes, ...(relationships && { relationships }) },
        },
      })
    await project.files.addFiles(data.id, [{ name: 'a.pdf' }])
    const [other = ''] = await project.files.addFolders(project.rootId, ['Other'])
    expect(await patch({ name: 'Plans' }, { parent: { data: { type: 'folders', id: other } } })).toMatchObject({ status: 200 })
    expect((await project.files.list(project.rootId)).map(({ path }) => path)).toEqual(['/Other/Plans/a.pdf'])
    expect((await patch({}, { parent: { data: { type: 'folders', id: data.id } } })).status).toBe(400)
    await patch({ hidden: true })
    expect(await project.files.list(project.rootId)).toEqual([])
    await patch({ hidden: false })
    expect(await project.files.list(project.rootId)).toHaveLength(1)
  })

  it('and items lead to each other, and nothing leads out of the project', async () => {
    await using project = await openProject()
    const [folder = ''] = await project.files.addFolders(project.rootId, ['A'])
    const [item = ''] = await project.files.addFiles(folder, [{ name: 'a.pdf', size: 3 }])
    await project.autodesk.addVersion({ id: item, size: 4 })
    const id = async (path: string) => {
      const { status, body } = await project.request(project.bearer, `${project.base}${path}`)
      return status === 200 ? z.object({ data: z.object({ id: z.string() }) }).parse(body).data.id : status
    }
    expect(await id(`/items/${item}/parent`)).toBe(folder)
    expect(await id(`/folders/${folder}/parent`)).toBe(project.rootId)
    const tip = await id(`/items/${item}/tip`)
    expect(tip).toBe(`${item.replace('dm.lineage:', 'fs.file:vf.')}?version=2`)
    expect(await id(`/versions/${encodeURIComponent(String(tip))}`)).toBe(tip)
    expect(await id(`/versions/${encodeURIComponent(String(tip))}/item`)).toBe(item)
    expect(await id(`/items/${folder}`)).toBe(404)
    expect(await id(`/folders/urn:adsk.wipprod:fs.folder:co.unknown`)).toBe(404)
    const other = await project.autodesk.firstProject()
    expect(await id(`/folders/${other.rootId}`)).toBe(404)
    const path = await project.request(project.bearer, `${project.base}/items/${item}?includePathInProject=true`)
    expect(path.body).toMatchObject({ data: { attributes: { pathInProject: '/Project Files/A' } } })
  })
})

it('answers one request too many in a minute with 429, for each operation of an app by itself', async () => {
  await using project = await openProject()
  const status = async (path: string) => (await project.request(project.bearer, path)).status
  for (let number = 0; number < 60; number += 1) expect(await status('/project/v1/hubs')).toBe(200)
  await project.autodesk.setRateLimits({ enabled: true, perMinute: { contents: 2 } })
  for (let number = 0; number < 50; number += 1) expect(await status('/project/v1/hubs')).toBe(200)
  const refused = await project.request(project.bearer, '/project/v1/hubs')
  expect(refused).toMatchObject({ status: 429, body: { errorCode: 'ERR-001' } })
  const wait = Number(refused.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(0)
  expect(wait).toBeLessThanOrEqual(60)
  expect([await status(project.contents(project.rootId)), await status(project.contents(project.rootId))]).toEqual([200, 200])
  expect(await status(project.contents(project.rootId))).toBe(429)
  await project.admin.setClockSkew(wait)
  expect([await status('/project/v1/hubs'), await status(project.contents(project.rootId))]).toEqual([200, 200])
})

describe('the first project', () => {
  it('has the files from disk; what changed there, and what happened at Autodesk, is there after a restart', async () => {
    await using disk = await folderOnDisk()
    await using state = await folderOnDisk()
    await mkdir(join(disk.path, 'sub'))
    for (const name of ['a.txt', 'b.txt', 'c.txt', 'sub/d.txt']) await writeFile(join(disk.path, name), name)
    const options = { root: disk.path, stateDir: state.path }
    let other = ''
    {
      await using first = await openAutodesk(options)
      expect(await paths(first)).toEqual(['/a.txt 5', '/b.txt 5', '/c.txt 5', '/sub/d.txt 9'])
      const { rootId } = await first.autodesk.firstProject()
      const files = await first.files.list(rootId)
      const id = (path: string) => files.find((file) => file.path === path)?.id ?? ''
      await first.files.rename(id('/a.txt'), 'renamed.txt')
      await first.files.trash(id('/b.txt'))
      other = (await first.files.createTree('pat@example.com', 'Kept')).rootId
      const [folder = ''] = await first.files.addFolders(other, ['Closed'])
      await first.files.addFiles(folder, [{ name: 'in.pdf', size: 1 }])
      await first.files.addFiles(other, [{ name: 'out.pdf', size: 2 }])
      await first.files.setVisible(folder, false)
    }
    await writeFile(join(disk.path, 'c.txt'), 'longer than before')
    await writeFile(join(disk.path, 'new.txt'), '')
    await rm(join(disk.path, 'sub'), { recursive: true })
    await using second = await openAutodesk(options)
    expect(await paths(second)).toEqual(['/c.txt 18', '/new.txt 0', '/renamed.txt 5'])
    expect((await second.files.list(other)).map(({ path }) => path)).toEqual(['/out.pdf'])
  })

  it('is mounted as often as is asked, with what is rare beside it', async () => {
    await using disk = await folderOnDisk()
    await writeFile(join(disk.path, 'a.txt'), 'a')
    await using autodesk = await openAutodesk({ root: disk.path, copies: 2, extras: true })
    const all = await paths(autodesk)
    expect(all).toEqual(expect.arrayContaining(['/copy-1/a.txt 1', '/copy-2/a.txt 1', '/Rare names/Empty 🏗️.dwg 4096']))
    expect(all.filter((path) => path.startsWith('/Rare names/Same name.pdf'))).toHaveLength(2)
    expect(all.join()).not.toMatch(/Withdrawn|Superseded/)
  })
})
