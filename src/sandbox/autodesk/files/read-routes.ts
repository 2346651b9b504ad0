import { Hono } from 'hono'
import type { ApiEnv } from '../api-env.ts'
import { badInput } from '../errors.ts'
import { pageOf, pageRequest } from '../page.ts'
import type { RateLimit } from '../rate-limit.ts'
import { closedAbove, seenBy, topFolders } from './access.ts'
import { listChildren, type Entry } from './entries.ts'
import type { FileFinder } from './find.ts'
import { folderData, itemData, origin, versionData } from './resources.ts'

const jsonapi = { version: '1.0' } as const
const rollup = 'filter[lastModifiedTimeRollup]'

/** `/project/v1/hubs/…/topFolders` */
export function topFolderRoutes(finder: FileFinder, limit: RateLimit): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  routes.get('/hubs/:hub/projects/:project/topFolders', limit.count('topFolders'), (c) => {
    const tree = finder.tree(c.req.param('project'), c.var.viewer)
    const { excludeDeleted, projectFilesOnly } = c.req.query()
    const folders = topFolders(tree, c.var.viewer, finder.store.restricted)
      .filter(({ hidden }) => !(hidden && excludeDeleted === 'true'))
      .filter(({ name, parent }) => projectFilesOnly !== 'true' || parent !== tree.root || name === 'Project Files')
    const self = { href: `${origin}/project/v1/hubs/${tree.hub.id}/projects/${tree.project.id}/topFolders` }
    return c.json({
      jsonapi,
      links: { self },
      data: folders.map((folder) => folderData(folder, closedAbove(folder, c.var.viewer))),
    })
  })
  return routes
}

/** Folders, items and versions below `/data/v1/projects`: https://aps.autodesk.com/en/docs/data/v2/reference/http */
export function fileReadRoutes(finder: FileFinder, limit: RateLimit): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()

  routes.get('/:project/folders/:id', limit.count('folder'), (c) => {
    const folder = finder.folder(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const since = Date.parse(c.req.header('if-modified-since') ?? '')
    // The header knows whole seconds.
    if (Math.floor(folder.rollup / 1000) * 1000 <= since) return c.body(null, 304)
    return c.json(single(folderData(folder)))
  })

  routes.get('/:project/folders/:id/parent', limit.count('folderParent'), (c) => {
    const { parent } = finder.folder(c.req.param('project'), c.req.param('id'), c.var.viewer)
    return c.json(single(folderData(finder.folder(c.req.param('project'), parent?.id ?? '', c.var.viewer))))
  })

  routes.get('/:project/folders/:id/contents', limit.count('contents'), (c) => {
    const folder = finder.folder(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const query = c.req.query()
    const page = pageRequest(query)
    if (page === undefined) throw badInput('page[number] begins at 0, and page[limit] is 1 to 200.')
    const listed = listChildren(folder, { type: readType(query['filter[type]']), hidden: query['includeHidden'] === 'true' })
    const wanted = readFilters(c.req.queries())
    const seen = seenBy(listed, c.var.viewer)
    const { items, links } = pageOf(wanted === undefined ? seen : seen.filter(wanted), page, {
      // Relative and encoded, where links of resources are absolute and as they are.
      url: `/data/v1/projects/${folder.tree.project.id}/folders/${encodeURIComponent(folder.id)}/contents`,
      query: withoutPage(query),
      itemLimit: c.get('itemLimit'),
      encode: true,
    })
    const included = items.flatMap((entry) => (entry.kind === 'items' ? [versionData(entry, entry.versions.length)] : []))
    const data = items.map((entry) => (entry.kind === 'folders' ? folderData(entry) : itemData(entry)))
    return c.json({ jsonapi, links, data, ...(included.length > 0 && { included }) })
  })

  routes.get('/:project/items/:id', limit.count('item'), (c) => {
    const item = finder.item(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const data = itemData(item, { path: c.req.query('includePathInProject') === 'true' })
    return c.json({ ...single(data), included: [versionData(item, item.versions.length)] })
  })

  routes.get('/:project/items/:id/parent', (c) => {
    const { parent } = finder.item(c.req.param('project'), c.req.param('id'), c.var.viewer)
    return c.json(single(folderData(parent)))
  })

  routes.get('/:project/items/:id/tip', limit.count('tip'), (c) => {
    const item = finder.item(c.req.param('project'), c.req.param('id'), c.var.viewer)
    return c.json(single(versionData(item, item.versions.length)))
  })

  routes.get('/:project/items/:id/versions', limit.count('itemVersions'), (c) => {
    const item = finder.item(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const query = c.req.query()
    const page = pageRequest(query)
    if (page === undefined) throw badInput('page[number] begins at 0, and page[limit] is 1 to 200.')
    const only = c.req.queries('filter[versionNumber]')?.map(Number)
    const numbers = item.versions.map((_, index) => index + 1).filter((number) => only?.includes(number) ?? true)
    const { items, links } = pageOf(numbers.toReversed(), page, {
      url: `${origin}/data/v1/projects/${item.tree.project.id}/items/${item.id}/versions`,
      query: withoutPage(query),
      itemLimit: c.get('itemLimit'),
    })
    return c.json({ jsonapi, links, data: items.map((number) => versionData(item, number)) })
  })

  routes.get('/:project/versions/:id', limit.count('version'), (c) => {
    const { item, number } = finder.version(c.req.param('project'), c.req.param('id'), c.var.viewer)
    return c.json(single(versionData(item, number)))
  })

  routes.get('/:project/versions/:id/item', limit.count('item'), (c) => {
    const { item } = finder.version(c.req.param('project'), c.req.param('id'), c.var.viewer)
    return c.json(single(itemData(item)))
  })
  return routes
}

/** A document of one resource. */
export function single<Data extends { links: { self: object } }>(data: Data) {
  return { jsonapi, links: { self: data.links.self }, data }
}

function readType(value: string | undefined): Entry['kind'] | undefined {
  if (value === undefined || value === 'folders' || value === 'items') return value
  throw badInput('filter[type] is folders or items.')
}

/** The filters besides the type; undefined when there are none. */
function readFilters(query: Readonly<Record<string, string[]>>): ((entry: Entry) => boolean) | undefined {
  const ids = query['filter[id]']
  const types = query['filter[extension.type]']
  const tests: ((entry: Entry) => boolean)[] = []
  if (ids !== undefined) tests.push(({ id }) => ids.includes(id))
  if (types !== undefined)
    tests.push(({ kind }) => types.includes(kind === 'folders' ? 'folders:autodesk.bim360:Folder' : 'items:autodesk.bim360:File'))
  for (const [name, compare] of comparisons) {
    const [value] = query[rollup + name] ?? []
    if (value === undefined) continue
    const time = Date.parse(value)
    if (Number.isNaN(time)) throw badInput(`${rollup} is a time.`)
    // Items have no such attribute, and none is left out for that.
    tests.push((entry) => entry.kind === 'items' || compare(entry.rollup, time))
  }
  return tests.length === 0 ? undefined : (entry) => tests.every((test) => test(entry))
}

// https://aps.autodesk.com/en/docs/data/v2/overview/filtering
const comparisons: readonly [string, (a: number, b: number) => boolean][] = [
  ['', (a, b) => a === b],
  ['-ge', (a, b) => a >= b],
  ['-gt', (a, b) => a > b],
  ['-le', (a, b) => a <= b],
  ['-lt', (a, b) => a < b],
]

function withoutPage(query: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter(([name]) => !name.startsWith('page[')))
}
