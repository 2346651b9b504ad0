import type { FileStream, FolderItem, Page, StreamContext } from '../../sync/stream.ts'
import { beginWalk, readCursor } from './cursor.ts'
import { emptyPage } from './empty-page.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { getRootFolder, getRootFolders } from './gone.ts'
import { findAccount } from './hubs.ts'
import { toFolderItem, topFolderName } from './items.ts'
import { fetchTargets } from './targets.ts'
import { walkPage } from './walk-page.ts'
import { webhooks } from './webhooks.ts'

/**
 * The files of a project of Autodesk Construction Cloud, or of one of its folders (`endpoint_config`, see endpoint-config.ts).
 *
 * Autodesk has no change feed: each pass goes down the whole tree, and webhooks name single files in between. The cursor has the folders
 * that are still to be listed. A project's top folders are below a root of ours, whose id is the project's.
 */
export const fileStream: FileStream = {
  kind: 'files',
  hasChangeFeed: false,
  scopes: ['data:read'],
  choices: [{ field: 'project_id', list: 'projects', required: true }],

  async fetchPage(context, cursor) {
    const scope = readScope(context.config)
    if (cursor === null) return firstPage(context, scope)
    return walkPage(context, scope, readCursor(cursor))
  },

  canPrefetch: () => true,
  fetchTargets,
  webhooks,
}

/** The root, and with a project's the top folders: no other folder is stored together with what is in it. */
async function firstPage({ api }: StreamContext, scope: Scope): Promise<Page> {
  const page = { ...emptyPage(), more: true }
  if (scope.folderId !== undefined) {
    const { id, attributes } = await getRootFolder(api, scope, scope.folderId)
    return { ...page, folders: [root(id, attributes.name)], next: beginWalk(null, [id]) }
  }
  const { projectId } = scope
  const hubId = scope.hubId ?? (await findAccount(api, projectId)).id
  const tops = await getRootFolders(api, hubId, scope)
  const folders = tops.map((folder) => ({ ...toFolderItem(folder, projectId), name: topFolderName(folder) }))
  const ids = tops.map(({ id }) => id)
  return { ...page, folders: [root(projectId, projectId), ...folders], next: beginWalk(hubId, ids) }
}

function root(id: string, name: string): FolderItem {
  return { id, parent: null, name, root: true, listed: true }
}
