import type { ProviderApi } from '../../http/provider-api.ts'
import type { FileItem, FolderItem, Page, StreamContext } from '../../sync/stream.ts'
import type { ItemData, VersionData } from './answers.ts'
import { type Visit, type WalkCursor, beginVisit, toEntry, toVisit } from './cursor.ts'
import { emptyPage } from './empty-page.ts'
import type { Scope } from './endpoint-config.ts'
import { getRootFolder, getRootFolders, outOfSight } from './gone.ts'
import { isDeleted, tipOf, toFileItem, toFolderItem } from './items.ts'
import { isOutOfSight } from './out-of-sight.ts'
import { getItem, listContents, readEach } from './requests.ts'

/** As much as Autodesk answers at once. */
const mostEntries = 200
/** Folders that are listed at once. More would only wait for their turn: an app may list five a second. */
const mostFolders = 8

/** What is in a folder, or on a page of it; undefined where it is out of sight. */
interface Listing {
  folders: FolderItem[]
  files: FileItem[]
  /** The next page of the folder. */
  next: Visit | null
}

/**
 * The contents of the next folders. Depth first, so that what is still to be listed grows with the tree's depth and not with its size: what
 * a killed run goes on with is a cursor of some kilobytes.
 */
export async function walkPage(context: StreamContext, scope: Scope, cursor: WalkCursor): Promise<Page> {
  const { stack, width, prefix } = cursor
  const batch = stack.slice(-width).map((entry) => toVisit(entry, prefix))
  const limit = Math.min(mostEntries, context.pageSize)
  const listings = await readEach(batch, (visit) => list(context.api, scope, visit, limit))
  if (listings.includes(undefined)) await checkRoot(context.api, scope, cursor)

  // One answer always fits. Those that do not are asked for again, which costs requests: hence the width below.
  const taken = countFitting(listings, context.pageSize)
  const found = listings.slice(0, taken)
  const open = [...batch.slice(taken), ...found.flatMap(remaining)].map((visit) => toEntry(visit, prefix))
  const listed = cursor.listed || found.some((listing) => listing !== undefined)
  const page = {
    ...emptyPage(),
    folders: found.flatMap((listing) => listing?.folders ?? []),
    files: found.flatMap((listing) => listing?.files ?? []),
  }

  const next = [...stack.slice(0, -batch.length), ...open]
  if (next.length > 0) {
    const walk: WalkCursor = { ...cursor, stack: next, listed, width: nextWidth(listings, context.pageSize) }
    return { ...page, next: walk, more: true }
  }
  // Folders have names, and none could be opened: that is no empty project.
  if (!listed) throw outOfSight(scope, 'provider_forbidden')
  return { ...page, next: null, more: false }
}

/** Undefined for a folder that was deleted, or closed to the account, since its parent was listed: what is in it is not seen then. */
async function list(api: ProviderApi, scope: Scope, visit: Visit, limit: number): Promise<Listing | undefined> {
  const answer = await listContents(api, scope.projectId, visit, limit).catch((error: unknown) => {
    if (isOutOfSight(error)) return undefined
    throw error
  })
  if (!answer) return undefined
  const folders = answer.data.filter((entry) => entry.type === 'folders').filter((folder) => !isDeleted(folder))
  const items = answer.data.filter((entry) => entry.type === 'items').filter((item) => !isDeleted(item))
  const files = await readEach(items, (item) => toFile(api, scope, visit.id, item, answer.included))
  return {
    folders: folders.map((folder) => toFolderItem(folder, visit.id)),
    files: files.filter((file) => file !== undefined),
    next: answer.next,
  }
}

/** Undefined for an item that is deleted. */
async function toFile(
  api: ProviderApi,
  { projectId }: Scope,
  folderId: string,
  item: ItemData,
  included: readonly VersionData[],
): Promise<FileItem | undefined> {
  const tip = tipOf(item, included) ?? (await readTip(api, projectId, item.id))
  return tip && !isDeleted(item, tip) ? toFileItem(item, tip, folderId, projectId) : undefined
}

/** The newest version of an item that came without one, which is rare; undefined when the item is gone by now. */
async function readTip(api: ProviderApi, projectId: string, itemId: string): Promise<VersionData | undefined> {
  try {
    return (await getItem(api, projectId, itemId)).tip
  } catch (error) {
    if (isOutOfSight(error)) return undefined
    throw error
  }
}

/**
 * A folder is out of sight. Were the whole project, or the endpoint's own folder, then so would be all that is still to come, and the end
 * of the pass would delete it: in that case this throws.
 */
async function checkRoot(api: ProviderApi, scope: Scope, { hubId }: WalkCursor): Promise<void> {
  if (scope.folderId !== undefined) await getRootFolder(api, scope, scope.folderId)
  else if (hubId !== null) await getRootFolders(api, hubId, scope)
}

/** How many listings fit into a page, from the first on. */
function countFitting(listings: readonly (Listing | undefined)[], pageSize: number): number {
  let files = 0
  const beyond = listings.findIndex((listing) => {
    files += listing?.files.length ?? 0
    return files > pageSize
  })
  return beyond === -1 ? listings.length : beyond
}

/** What a listing leaves to be listed: the rest of the folder, and the folders in it. */
function remaining(listing: Listing | undefined): Visit[] {
  if (!listing) return []
  const inside = listing.folders.map(({ id }) => beginVisit(id))
  return listing.next === null ? inside : [listing.next, ...inside]
}

/** As many folders as fit into a page when all are as full as the fullest of those just listed. */
function nextWidth(listings: readonly (Listing | undefined)[], pageSize: number): number {
  const fullest = Math.max(1, ...listings.map((listing) => listing?.files.length ?? 0))
  return Math.min(mostFolders, Math.max(1, Math.floor(pageSize / fullest)))
}
