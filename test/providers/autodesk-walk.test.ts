import { describe, expect, it } from 'vitest'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { provider as autodesk } from '../../src/shared/providers/autodesk/definition.ts'
import { serveAutodesk } from './autodesk-account.ts'
import { EngineDouble } from './engine-double.ts'

const stream = autodesk.streams.autodesk_construction_cloud
const projectId = 'b.55451d9a-b6a5-429d-8bc3-6074765c52e0'
const hubId = 'b.43939999-0bf2-490d-8e4a-c1cb1097125c'
const config = { project_id: projectId, hub_id: hubId }

const folderId = (number: number) => `urn:adsk.wipprod:fs.folder:co.${String(number).padStart(22, '0')}`
const itemId = (number: number) => `urn:adsk.wipprod:dm.lineage:${String(number).padStart(22, '0')}`
const tipId = (number: number) => `urn:adsk.wipprod:fs.file:vf.${String(number).padStart(22, '0')}?version=1`

const folder = (number: number, attributes: object = {}) => ({
  type: 'folders',
  id: folderId(number),
  attributes: { name: `folder ${number}`, extension: { type: 'folders:autodesk.bim360:Folder' }, ...attributes },
})
const item = (number: number, attributes: object = {}) => ({
  type: 'items',
  id: itemId(number),
  attributes: { displayName: `file ${number}`, extension: { type: 'items:autodesk.bim360:File' }, ...attributes },
  relationships: { tip: { data: { type: 'versions', id: tipId(number) } }, parent: { data: { id: folderId(1) } } },
})
const tip = (number: number, attributes: object = {}) => ({
  type: 'versions',
  id: tipId(number),
  attributes: {
    name: `file ${number}.pdf`,
    storageSize: number,
    extension: { type: 'versions:autodesk.bim360:File' },
    ...attributes,
  },
})

/** Answers by what follows `/data/v1/projects/{project}` or `/project/v1/hubs`, ids as they are. */
type Answer = (path: string, query: URLSearchParams) => object

/** A server in Autodesk's place; what it does not know is an empty folder. */
async function serve(answer: Answer) {
  return serveAutodesk((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://autodesk')
    const path = decodeURIComponent(pathname).replace(/^.*?\/(data\/v1\/projects\/[^/]+|project\/v1\/hubs)/, '')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(path, searchParams)))
  })
}

const topFolders = { data: [folder(1)] }
/** A project with one top folder, and what is in it. */
const inTopFolder =
  (contents: object): Answer =>
  (path) =>
    path.endsWith('/topFolders') ? topFolders : path.endsWith(`${folderId(1)}/contents`) ? contents : { data: [] }

describe('a tree of 100,000 folders', () => {
  const count = 111_111
  const inEach = 10
  const leavesFrom = (count - 1) / inEach

  /** Ten folders in each, five levels deep, and a file in each of those at the bottom. */
  function hugeProject(): ProviderApi & { listings: number } {
    const contents = (number: number) => {
      if (number >= leavesFrom) return { data: [item(number)], included: [tip(number)] }
      return { data: Array.from({ length: inEach }, (_, index) => folder(number * inEach + index + 1)) }
    }
    const usage = { requests: 0, bytes: 0 }
    const api = {
      listings: 0,
      usage,
      send: () => Promise.reject(new Error('Nothing is sent.')),
      get: async <T>(path: string, _query: object, schema: { parse: (body: unknown) => T }) => {
        usage.requests += 1
        if (path.endsWith('/topFolders')) return schema.parse({ data: [folder(0)] })
        api.listings += 1
        return schema.parse(contents(Number(/co\.(\d+)\/contents$/.exec(decodeURIComponent(path))?.[1])))
      },
    }
    return api
  }

  it('is walked from a cursor of a few kilobytes, however often the walk is killed', async () => {
    const api = hugeProject()
    const engine = new EngineDouble(stream, api, config)
    let pages = 0
    let kills = 0
    let longest = 0
    const runToEnd = async () => {
      for (;;) {
        const ended = await engine
          .run(async (page) => {
            pages += 1
            longest = Math.max(longest, JSON.stringify(page.next).length)
            if (page.more && pages % 997 === 0) throw new Error('killed')
          })
          .then(
            () => true,
            (error: unknown) => {
              if (!(error instanceof Error && error.message === 'killed')) throw error
              kills += 1
              return false
            },
          )
        if (ended) return
      }
    }
    await runToEnd()
    expect(kills).toBeGreaterThan(10)
    expect(engine.files.size).toBe(count - leavesFrom)
    expect(engine.folders.size).toBe(count + 1)
    expect(api.listings).toBe(count)
    expect(longest).toBeLessThan(8_000)
  })
})

describe('an answer of Autodesk', () => {
  it.each([
    ['whose next page is the same page', `/data/v1/projects/${projectId}/folders/${folderId(1)}/contents?page[number]=0`],
    ['whose next page has no number', `/data/v1/projects/${projectId}/folders/${folderId(1)}/contents?page[limit]=200`],
    ['whose next page is of another folder', `/data/v1/projects/${projectId}/folders/${folderId(2)}/contents?page[number]=1`],
  ])('%s is refused', async (_, href) => {
    const first = inTopFolder({ data: [], links: { next: { href } } })
    await using server = await serve((path, query) => (query.get('page[number]') === '1' ? { data: [] } : first(path, query)))
    await expect(new EngineDouble(stream, server.api, config).run()).rejects.toMatchObject({
      code: 'provider_answer_invalid',
      context: { field: 'links.next' },
    })
  })

  it.each([
    [
      'of another folder',
      { data: [], links: { self: { href: `/data/v1/projects/p/folders/${folderId(2)}/contents` } } },
      'links.self',
    ],
    ['in which a folder contains itself', { data: [folder(1)] }, 'data'],
    ['with more than was asked for', { data: Array.from({ length: 201 }, (_, index) => item(index)) }, 'data'],
  ])('%s is refused', async (_, contents, field) => {
    await using server = await serve(inTopFolder(contents))
    await expect(new EngineDouble(stream, server.api, config).run()).rejects.toMatchObject({
      code: 'provider_answer_invalid',
      context: { field },
    })
  })

  it('may have links of any form, and an empty page before others', async () => {
    const path = `/data/v1/projects/${projectId}/folders/${encodeURIComponent(folderId(1))}/contents`
    const pages = [
      { data: [], links: { self: { href: path }, next: { href: `${path}?page%5Bnumber%5D=1&page%5Blimit%5D=200` } } },
      {
        data: [item(1)],
        included: [tip(1)],
        links: { next: { href: `https://developer.api.autodesk.com${path}?page[number]=2&page[limit]=200&token=a+b` } },
      },
      { data: [item(2)], included: [tip(2)] },
    ]
    const asked: (string | null)[] = []
    await using server = await serve((at, query) => {
      if (at.endsWith('/topFolders')) return topFolders
      asked.push(query.get('token'))
      return pages[Number(query.get('page[number]'))]!
    })
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    expect(engine.paths()).toEqual(['/folder 1/file 1.pdf', '/folder 1/file 2.pdf'])
    // What a link adds is repeated.
    expect(asked).toEqual([null, null, 'a b'])
  })

  it('with folders and items that are deleted gives none of them', async () => {
    const contents = {
      data: [folder(2, { hidden: true }), item(1, { hidden: true }), item(2), item(3)],
      included: [tip(1), tip(2, { extension: { type: 'versions:autodesk.core:Deleted' } }), tip(3)],
    }
    await using server = await serve(inTopFolder(contents))
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    expect(engine.paths()).toEqual(['/folder 1/file 3.pdf'])
    expect(engine.folders.has(folderId(2))).toBe(false)
  })

  it('with an item and no version of it is completed', async () => {
    await using server = await serve((path, query) => {
      if (path.endsWith(`/items/${itemId(1)}`)) return { data: item(1), included: [tip(1)] }
      return inTopFolder({ data: [item(1)] })(path, query)
    })
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    expect(engine.paths()).toEqual(['/folder 1/file 1.pdf'])
  })

  it('with times of any precision gives those that Postgres keeps, and no time for what is none', async () => {
    const given = [
      '2024-11-02T13:59:09.1234567Z',
      '2024-11-02T13:59:09.000Z',
      '2024-11-02T13:59:09+0000',
      '',
      '2024-99-99T00:00:00Z',
    ]
    const contents = {
      data: given.map((createTime, number) => item(number, { createTime })),
      included: given.map((lastModifiedTime, number) => tip(number, { lastModifiedTime })),
    }
    await using server = await serve(inTopFolder(contents))
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    const kept = ['2024-11-02T13:59:09.123456Z', '2024-11-02T13:59:09.000Z', '2024-11-02T13:59:09+0000', null, null]
    expect([...engine.files.values()].map(({ created }) => created)).toEqual(kept)
    expect([...engine.files.values()].map(({ updated }) => updated)).toEqual(kept)
  })

  it('without a web address of an item gives the one that it must have', async () => {
    await using server = await serve(inTopFolder({ data: [item(1)], included: [tip(1)] }))
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    const [file] = engine.files.values()
    const query = `folderUrn=${encodeURIComponent(folderId(1))}&entityId=${encodeURIComponent(itemId(1))}`
    expect(file?.link).toBe(`https://acc.autodesk.com/docs/files/projects/${projectId.slice(2)}?${query}`)
  })
})

describe('the top folders', () => {
  const top = (number: number, name: string, attributes: object = {}) => folder(number, { name, ...attributes })
  const listed = async (data: object[]) => {
    await using server = await serve((path) => (path.endsWith('/topFolders') ? { data } : { data: [] }))
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    return [...engine.folders.values()].map(({ path }) => path).filter((path) => path !== '')
  }

  it('are those that people see', async () => {
    const own = ['ProjectTb', 'dm-exchange', 'COST Root Folder', 'issue_0c1a5d8a-0d3c-4f8e-9b7e-2f6f0a3f9d11']
    const data = [
      top(1, 'Project Files'),
      top(2, 'Plans'),
      top(3, 'Hidden', { hidden: true }),
      ...own.map((name, index) => top(10 + index, name)),
    ]
    expect(await listed(data)).toEqual(['/Project Files', '/Plans'])
  })

  const toTop = `/project/v1/hubs/${hubId}/projects/${projectId}/topFolders`

  it('are those of all pages', async () => {
    await using server = await serve((path, query) => {
      if (!path.endsWith('/topFolders')) return { data: [] }
      if (query.get('page[number]') === '1') return { data: [top(2, 'Plans')] }
      return { data: [top(1, 'Project Files')], links: { next: { href: `${toTop}?excludeDeleted=true&page[number]=1` } } }
    })
    const engine = new EngineDouble(stream, server.api, config)
    await engine.run()
    expect([...engine.folders.values()].map(({ path }) => path)).toEqual(expect.arrayContaining(['/Project Files', '/Plans']))
  })

  it('are not taken for all of them where the pages never end', async () => {
    await using server = await serve((path) =>
      path.endsWith('/topFolders') ? { data: [top(1, 'Plans')], links: { next: { href: toTop } } } : { data: [] },
    )
    await expect(new EngineDouble(stream, server.api, config).run()).rejects.toMatchObject({
      code: 'provider_answer_invalid',
      context: { field: 'links.next' },
    })
  })

  it('have the names of those above them that a person may not see', async () => {
    const extension = {
      type: 'folders:autodesk.bim360:Folder',
      data: { folderParents: [{ title: 'Project Files' }, { title: 'dm-plans' }] },
    }
    expect(await listed([top(1, 'dm-ground floor', { extension })])).toEqual(['/Project Files/dm-plans/dm-ground floor'])
  })

  it('are never none: the account has lost the project then', async () => {
    await expect(listed([])).rejects.toMatchObject({ code: 'provider_forbidden' })
    await expect(listed([top(1, 'ProjectTb')])).rejects.toMatchObject({ code: 'provider_forbidden' })
  })
})

it('begins anew from a position that cannot be read', async () => {
  await using server = await serve(inTopFolder({ data: [item(1)], included: [tip(1)] }))
  const engine = new EngineDouble(stream, server.api, config)
  engine.cursor = { at: 'elsewhere' }
  await engine.run()
  expect(engine.paths()).toEqual(['/folder 1/file 1.pdf'])
})

describe('the endpoint_config', () => {
  it.each([
    [{ projectid: projectId }, 'projectid', 'project_id'],
    [{}, 'project_id', '"b."'],
    [{ project_id: projectId.slice(2) }, 'project_id', 'after /projects/'],
    [{ project_id: projectId, hub_id: 'a.team' }, 'hub_id', 'account'],
    [{ project_id: projectId, folder_id: 'urn%3Aadsk.wipprod%3Afs.folder%3Aco.x' }, 'folder_id', '%3A'],
    [{ project_id: projectId, folder_id: 'urn:adsk.wipprod:dm.lineage:x' }, 'folder_id', 'folderUrn='],
    [{ project_id: projectId, region: 'EU' }, 'region', 'EMEA'],
    [{ project_id: projectId, client_id: '' }, 'client_id', 'your app'],
    ['b.x', 'endpoint_config', 'object'],
  ])('%j is refused, with what to do', async (given, field, remedy) => {
    await using server = await serve(() => ({}))
    await expect(new EngineDouble(stream, server.api, given).run()).rejects.toMatchObject({
      code: 'invalid_request',
      context: { field },
      message: expect.stringContaining(remedy),
    })
  })
})

describe('the limits', () => {
  it.each([
    ['GET', '/project/v1/hubs', ['hubs']],
    ['GET', `/project/v1/hubs/${hubId}`, ['hub']],
    ['GET', `/project/v1/hubs/${hubId}/projects`, ['projects']],
    ['GET', `/project/v1/hubs/${hubId}/projects/${projectId}`, ['project']],
    ['GET', `/project/v1/hubs/${hubId}/projects/${projectId}/topFolders`, ['top-folders']],
    ['GET', `/data/v1/projects/${projectId}/folders/${encodeURIComponent(folderId(1))}`, ['folder']],
    ['GET', `/data/v1/projects/${projectId}/folders/${encodeURIComponent(folderId(1))}/contents`, ['folder-contents']],
    ['GET', `/data/v1/projects/${projectId}/items/${encodeURIComponent(itemId(1))}`, ['item']],
    ['POST', '/webhooks/v1/systems/data/events/dm.version.added/hooks', []],
    ['GET', '/userinfo', []],
  ])('of %s %s are %j', (method, path, names) => {
    const counted = autodesk.api.limits.filter(({ cost }) => cost({ method, path }) > 0)
    expect(counted.map(({ name }) => name)).toEqual(names)
  })
})
