import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { requireScope, type ApiEnv } from '../api-env.ts'
import { AutodeskProblem, badInput, dataError } from '../errors.ts'
import type { RateLimit } from '../rate-limit.ts'
import type { SandboxClock } from '../../clock.ts'
import { isWithin, listChildren, type Folder, type Item } from './entries.ts'
import type { FileFinder } from './find.ts'
import { single } from './read-routes.ts'
import { folderData, itemData, versionData } from './resources.ts'

const Reference = z.object({ data: z.object({ id: z.string() }) })
const NewFolderBody = z.object({
  data: z.object({
    type: z.literal('folders'),
    attributes: z.object({ name: z.string().min(1).max(255) }),
    relationships: z.object({ parent: Reference }),
  }),
})
const FolderPatch = z.object({
  data: z.object({
    type: z.literal('folders'),
    id: z.string(),
    attributes: z.object({ name: z.string().min(1).max(255).optional(), hidden: z.boolean().optional() }).default({}),
    relationships: z.object({ parent: Reference }).optional(),
  }),
})
const VersionPatch = z.object({
  data: z.object({ type: z.literal('versions'), id: z.string(), attributes: z.object({ name: z.string().min(1) }) }),
})
const DeletedVersion = z.object({
  data: z.object({
    type: z.literal('versions'),
    attributes: z.object({ extension: z.object({ type: z.literal('versions:autodesk.core:Deleted') }) }),
    relationships: z.object({ item: Reference }),
  }),
})

/** What changes files, as far as it needs no upload. https://aps.autodesk.com/en/docs/data/v2/tutorials/delete-and-restore-file */
export function fileWriteRoutes(finder: FileFinder, limit: RateLimit, clock: SandboxClock): Hono<ApiEnv> {
  const { store } = finder
  const routes = new Hono<ApiEnv>()
  const mayWrite = requireScope('data:write', 'data:create')

  routes.post('/:project/folders', mayWrite, async (c) => {
    const { data } = await readBody(c, NewFolderBody)
    const parent = finder.folder(c.req.param('project'), data.relationships.parent.data.id, c.var.viewer)
    const { name } = data.attributes
    refuseTaken(parent, name)
    const now = clock.now()
    return c.json(single(folderData(store.createFolder({ parent, name, created: now, modified: now }))), 201)
  })

  routes.patch('/:project/folders/:id', mayWrite, async (c) => {
    const folder = finder.folder(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const { data } = await readBody(c, FolderPatch)
    if (folder.parent === null || folder.parent === folder.tree.root) throw badInput('A top folder stays as it is.')
    const { name, hidden } = data.attributes
    const parentId = data.relationships?.parent.data.id
    const parent = parentId === undefined ? undefined : finder.folder(c.req.param('project'), parentId, c.var.viewer)
    if (parent !== undefined && isWithin(parent, folder)) throw badInput('A folder cannot be moved into itself.')
    if (name !== undefined && name !== folder.name) refuseTaken(parent ?? folder.parent, name)
    if (name !== undefined) store.rename(folder, name)
    if (parent !== undefined) store.move(folder, parent)
    if (hidden === true) store.remove(folder)
    if (hidden === false) store.undelete(folder)
    return c.json(single(folderData(folder)))
  })

  routes.patch('/:project/versions/:id', mayWrite, async (c) => {
    const { item, number } = finder.version(c.req.param('project'), c.req.param('id'), c.var.viewer)
    const { data } = await readBody(c, VersionPatch)
    if (number !== item.versions.length || item.hidden) throw badInput('Only the newest version can be renamed.')
    store.rename(item, data.attributes.name)
    return c.json(single(versionData(item, number)))
  })

  // A version without content: one that deletes the item, or the copy of one that brings it back.
  routes.post('/:project/versions', mayWrite, limit.count('createVersion'), async (c) => {
    const copyFrom = c.req.query('copyFrom')
    const item = copyFrom === undefined ? await deleteItem(c) : restoreItem(c, copyFrom)
    const created = single(versionData(item, item.versions.length))
    return c.json({ ...created, included: [itemData(item)] }, 201)
  })
  return routes

  async function deleteItem(c: Context<ApiEnv, '/:project/versions'>): Promise<Item> {
    const { data } = await readBody(c, DeletedVersion)
    const item = finder.item(c.req.param('project'), data.relationships.item.data.id, c.var.viewer)
    refuseTeams(item)
    if (item.hidden) throw badInput('The item is deleted.')
    store.remove(item)
    return item
  }

  function restoreItem(c: Context<ApiEnv, '/:project/versions'>, copyFrom: string): Item {
    const { item, number } = finder.version(c.req.param('project'), copyFrom, c.var.viewer)
    refuseTeams(item)
    if (!item.hidden || number !== item.versions.length - 1)
      throw badInput('Only the last version of a deleted item can be copied.')
    store.undelete(item)
    return item
  }
}

async function readBody<Schema extends z.ZodType>(c: Context<ApiEnv>, schema: Schema): Promise<z.output<Schema>> {
  const body: unknown = await c.req.json().catch(() => undefined)
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw badInput(z.prettifyError(parsed.error))
  return parsed.data
}

function refuseTaken(parent: Folder, name: string): void {
  const taken = listChildren(parent, { hidden: false }).some((entry) => entry.name === name)
  if (taken) throw new AutodeskProblem(dataError(409, 'CONFLICT', 'The folder has an entry of that name.'))
}

/** Fusion Teams and single persons cannot delete through the API. */
function refuseTeams({ tree }: Item): void {
  if (tree.hub.type !== 'hubs:autodesk.bim360:Account') throw badInput('The project does not support deleted versions.')
}
