import { PatchbayError } from '../../errors.ts'
import type { FileStream, FolderItem, Page, StreamContext } from '../../sync/stream.ts'
import { changesPage } from './changes-page.ts'
import { type ListCursor, type TreeCursor, beginBatch, beginChanges, readCursor } from './cursor.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { emptyPage } from './empty-page.ts'
import { isFolder, noFolders, onlyFolders, toFileItem, toFolderItem } from './items.ts'
import { rootGone } from './gone.ts'
import { getFolder, getStartPageToken, listFiles } from './requests.ts'
import { treePage } from './tree-page.ts'
import { webhooks } from './webhooks.ts'

/**
 * The files of a Google Drive account, of a shared drive, or of a folder (`endpoint_config`, see endpoint-config.ts).
 *
 * A full pass over an account or a shared drive lists all folders, then all files; over a folder it goes down the tree. The position
 * of the change feed is taken before the first listing, so that nothing falls between the two. Afterwards every run reads the feed,
 * and then the contents of folders that it showed for the first time: Drive reports a folder that is moved or restored, and not what
 * is in it. https://developers.google.com/workspace/drive/api/guides/manage-changes
 */
export const fileStream: FileStream = {
  kind: 'files',
  hasChangeFeed: true,
  choices: [{ field: 'folder_id', list: 'folders', required: false }],
  scopes: [
    'https://www.googleapis.com/auth/drive.metadata.readonly',
    'https://www.googleapis.com/auth/drive.metadata',
    'https://www.googleapis.com/auth/drive.readonly',
    'https://www.googleapis.com/auth/drive',
  ],

  async fetchPage(context, cursor) {
    const scope = readScope(context.config)
    if (cursor === null) return firstPage(context, scope)
    const position = readCursor(cursor)
    if (position.at === 'tree') return treePage(context, scope, position)
    if (position.at === 'changes') return changesPage(context, scope, position)
    return listPage(context, scope, position)
  },

  canPrefetch(page) {
    if (page.next === null) return false
    const next = readCursor(page.next)
    return next.at !== 'tree' || next.batch.length > 0
  },

  webhooks,
}

async function firstPage(context: StreamContext, scope: Scope): Promise<Page> {
  const root = await getFolder(context.api, scope.kind === 'account' ? 'root' : scope.id)
  if (root.trashed === true) throw rootGone(scope)
  if (!isFolder(root)) {
    const message = `${root.id} is not a folder. Set folder_id to the id of a folder; a shortcut is none.`
    throw new PatchbayError('invalid_request', message, { context: { provider: 'google-drive', field: 'folder_id' } })
  }
  const driveId = scope.kind === 'drive' ? scope.id : (root.driveId ?? null)
  const feed = await getStartPageToken(context.api, driveId)
  const corpus = { driveId, rootId: root.id, feed }
  const folder: FolderItem = { id: root.id, parent: null, name: root.name, root: true, listed: scope.kind !== 'folder' }

  if (scope.kind === 'folder') {
    const next: TreeCursor = { at: 'tree', pass: 'full', ...corpus, ...beginBatch([root.id]) }
    return { ...emptyPage('full', scope), folders: [folder], next, more: true }
  }
  const page = await listPage(context, scope, { at: 'folders', ...corpus, pageToken: null })
  return { ...page, folders: [folder, ...page.folders] }
}

/** All folders, then all files, of an account or a shared drive. */
async function listPage(context: StreamContext, scope: Scope, cursor: ListCursor): Promise<Page> {
  const { at, driveId, rootId, pageToken, feed } = cursor
  const page = { ...emptyPage('full', scope), more: true }

  if (at === 'folders') {
    const answer = await listFiles(context, { q: onlyFolders, driveId, pageToken, only: 'folders' })
    const last = answer.nextPageToken === undefined
    const next: ListCursor = { ...cursor, at: last ? 'files' : 'folders', pageToken: answer.nextPageToken ?? null }
    return { ...page, folders: answer.files.map((file) => toFolderItem(file, true)), rebuildPaths: last, next }
  }

  const answer = await listFiles(context, { q: noFolders, driveId, pageToken })
  const files = answer.files.map(toFileItem)
  if (answer.nextPageToken !== undefined) return { ...page, files, next: { ...cursor, pageToken: answer.nextPageToken } }
  return { ...page, files, next: beginChanges({ driveId, rootId, feed }), more: false }
}
