import type { ProviderApi } from '../../http/provider-api.ts'
import { type ErrorCode, PatchbayError } from '../../errors.ts'
import type { FileItem, FolderItem, StreamContext, TargetPage } from '../../sync/stream.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { isDeleted, toFileItem, toFolderItem } from './items.ts'
import { isOutOfSight } from './out-of-sight.ts'
import { getFolder, getItem, readEach } from './requests.ts'

/** What items are now: files, with the folders above them that were not known; or removed, when deleted or elsewhere. */
export async function fetchTargets(context: StreamContext, ids: readonly string[]): Promise<TargetPage> {
  const scope = readScope(context.config)
  const targets = await readEach([...new Set(ids)], (id) => readTarget(context.api, scope, id))
  const present = targets.flatMap((target) => (target?.file ? [target.file] : []))
  const tree = await readTree(context, scope, new Set(present.map(({ parent }) => parent)))

  const page: TargetPage = {
    folders: [],
    files: [],
    removed: targets.flatMap((target) => (target?.file === null ? [target.id] : [])),
  }
  const folders = new Map<string, FolderItem>()
  for (const file of present) {
    const way = wayTo(tree, file.parent)
    if (!way) page.removed.push(file.id)
    else {
      page.files.push(file)
      for (const folder of way) folders.set(folder.id, folder)
    }
  }
  return { ...page, folders: [...folders.values()] }
}

const cannotTell: ReadonlySet<ErrorCode> = new Set(['provider_forbidden', 'provider_rejected', 'provider_answer_invalid'])

type PlacedFile = FileItem & { parent: string }

/** File null: the item is gone. Undefined: this account cannot tell, and the next pass says what it sees. */
async function readTarget(
  api: ProviderApi,
  scope: Scope,
  id: string,
): Promise<{ id: string; file: PlacedFile | null } | undefined> {
  try {
    const { item, tip } = await getItem(api, scope.projectId, id)
    if (isDeleted(item, tip)) return { id, file: null }
    const parent = item.relationships?.parent?.data?.id
    return parent === undefined ? undefined : { id, file: { ...toFileItem(item, tip, parent, scope.projectId), parent } }
  } catch (error) {
    if (!(error instanceof PatchbayError)) throw error
    if (error.code === 'provider_not_found') return { id, file: null }
    // A webhook is the app's, which sees more than this account may; and one item must not keep back the rest.
    if (cannotTell.has(error.code)) return undefined
    throw error
  }
}

/** Folders: those that the endpoint has, and those above the files that it does not have. */
interface Tree {
  known: Set<string>
  found: Map<string, FolderItem & { parent: string }>
}

/** Goes up from folders until one is known, or out of sight, or there is none above. */
async function readTree(context: StreamContext, scope: Scope, from: ReadonlySet<string>): Promise<Tree> {
  const tree: Tree = { known: new Set(), found: new Map() }
  const asked = new Set<string>()
  let level = [...from]
  while (level.length > 0) {
    for (const id of await context.knownFolders(level)) tree.known.add(id)
    const unknown = level.filter((id) => !tree.known.has(id))
    for (const id of level) asked.add(id)
    for (const folder of await readEach(unknown, (id) => readFolder(context.api, scope, id))) {
      if (folder) tree.found.set(folder.id, folder)
    }
    const above = unknown.flatMap((id) => tree.found.get(id)?.parent ?? [])
    level = [...new Set(above)].filter((id) => !asked.has(id))
  }
  return tree
}

/** Undefined for one that is deleted, out of sight, or the highest of all. */
async function readFolder(
  api: ProviderApi,
  { projectId }: Scope,
  id: string,
): Promise<(FolderItem & { parent: string }) | undefined> {
  try {
    const folder = await getFolder(api, projectId, id)
    const parent = folder.relationships?.parent?.data?.id
    return parent === undefined || isDeleted(folder) ? undefined : { ...toFolderItem(folder, parent), parent }
  } catch (error) {
    if (isOutOfSight(error)) return undefined
    throw error
  }
}

/** The folders to a place that the endpoint did not have, the outermost first; undefined for a place outside of it. */
function wayTo({ known, found }: Tree, id: string): FolderItem[] | undefined {
  const way: FolderItem[] = []
  for (let at = id; !known.has(at);) {
    const folder = found.get(at)
    // Longer than all that was found: the folders lead in a circle.
    if (!folder || way.length > found.size) return undefined
    way.unshift(folder)
    at = folder.parent
  }
  return way
}
