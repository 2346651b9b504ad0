import { PatchbayError } from '../../errors.ts'
import type { FileItem, FileStream, FolderItem, Page, StreamContext } from '../../sync/stream.ts'
import type { Change } from './answers.ts'
import { type ChangesCursor, type DriveCursor, type ListCursor, type TreeCursor, readCursor } from './cursor.ts'
import { type Scope, readScope } from './endpoint-config.ts'
import { isFolder, noFolders, onlyFolders, toFileItem, toFolderItem } from './items.ts'
import { getFolder, getStartPageToken, listChanges, listFiles, quoted, sharedDriveNotFound } from './requests.ts'

/** Folders in one query. */
const batchSize = 50

/** What Drive itself calls the place of items whose folder the account cannot see. */
const orphanPath = '/Shared with me'

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
    return listPage(context, position)
  },

  canPrefetch(page) {
    const next = readCursor(page.next)
    return next.at !== 'tree' || next.batch.length > 0
  },
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
    const next: TreeCursor = { at: 'tree', pass: 'full', ...corpus, ...batchOf([root.id]) }
    return { ...emptyPage('full', scope), folders: [folder], next, more: true }
  }
  const page = await listPage(context, { at: 'folders', ...corpus, pageToken: null })
  return { ...page, folders: [folder, ...page.folders] }
}

/** All folders, then all files, of an account or a shared drive. */
async function listPage(context: StreamContext, cursor: ListCursor): Promise<Page> {
  const { at, driveId, rootId, pageToken, feed } = cursor
  const page = { ...emptyPage('full', undefined), more: true }

  if (at === 'folders') {
    const answer = await listFiles(context, { q: onlyFolders, driveId, pageToken, only: 'folders' })
    const last = answer.nextPageToken === undefined
    const next: ListCursor = { ...cursor, at: last ? 'files' : 'folders', pageToken: answer.nextPageToken ?? null }
    return { ...page, folders: answer.files.map((file) => toFolderItem(file, true)), rebuildPaths: last, next }
  }

  const answer = await listFiles(context, { q: noFolders, driveId, pageToken })
  const files = answer.files.map(toFileItem)
  if (answer.nextPageToken !== undefined) return { ...page, files, next: { ...cursor, pageToken: answer.nextPageToken } }
  return { ...page, files, next: changesCursor({ driveId, rootId, feed }), more: false }
}

/** The contents of folders that are not listed yet. */
async function treePage(context: StreamContext, scope: Scope, cursor: TreeCursor): Promise<Page> {
  const { driveId, rootId, feed, pass } = cursor
  const page = emptyPage(pass, scope)
  const position = cursor.batch.length > 0 ? cursor : { ...cursor, ...batchOf(await context.unlistedFolders(batchSize)) }
  const { batch } = position
  if (batch.length === 0) return { ...page, next: changesCursor({ driveId, rootId, feed }), more: false }

  const answer = await listBatch(context, position)
  if (answer === undefined) {
    if (batch.length > 1) return { ...page, next: afterBatch(position, batch), more: true }
    // Gone since it was found: the change feed will say so. Were the root gone too, the rest would be missed as well.
    await getFolder(context.api, rootId)
    return { ...page, listed: batch, next: afterBatch(position, []), more: true }
  }

  const folders = answer.files.filter(isFolder).map((file) => toFolderItem(file, false))
  const files = answer.files.filter((file) => !isFolder(file)).map(toFileItem)
  // In a full pass a folder is found after the one that it is in. In the change feed it may be known from another place: whoever
  // gets to see the folder around a shared one is told of the outer one only.
  const found = { ...page, folders, files, rebuildPaths: pass === 'changes' && folders.length > 0 }

  const heard = new Set([...folders, ...files].map((item) => item.parent))
  const silent = position.silent.filter((id) => !heard.has(id))
  if (answer.nextPageToken !== undefined) {
    const next: TreeCursor = { ...position, silent, pageToken: answer.nextPageToken }
    return { ...found, next, more: true }
  }
  // A query for several folders can leave one out without a word, where a query for it alone does not: ask again before it is taken
  // for empty. https://github.com/rclone/rclone/issues/9810
  const doubtful = batch.length > 1 ? silent : []
  const listed = batch.filter((id) => !doubtful.includes(id))
  return { ...found, listed, next: afterBatch(position, doubtful), more: true }
}

/** What is in the folders of the batch; undefined when one of them is not there any more, which fails the query for all of them. */
async function listBatch(context: StreamContext, { batch, driveId, rootId, pageToken }: TreeCursor) {
  const parents = batch.map((id) => `${quoted(id)} in parents`).join(' or ')
  try {
    return await listFiles(context, { q: `(${parents})`, driveId, pageToken })
  } catch (error) {
    const vanished = error instanceof PatchbayError && error.code === 'provider_not_found'
    if (vanished && !batch.includes(rootId)) return undefined
    throw error
  }
}

/** Goes on with the folders of `again`, each by itself, and then with the next batch. */
function afterBatch(position: TreeCursor, again: string[]): TreeCursor {
  const [first, ...alone] = [...again, ...position.alone]
  return { ...position, ...batchOf(first === undefined ? [] : [first]), alone }
}

/** What has changed since the feed's position. */
async function changesPage(context: StreamContext, scope: Scope, cursor: ChangesCursor): Promise<Page> {
  const { driveId, rootId } = cursor
  const answer = await listChanges(context, driveId, cursor.feed)
  const folders: FolderItem[] = []
  const files: FileItem[] = []
  const removed: string[] = []

  for (const [id, change] of latest(answer.changes, driveId)) {
    const file = covered(change, driveId)
    if (id === rootId) {
      if (!file) throw rootGone(scope)
      folders.push({ id, parent: null, name: file.name, root: true, listed: false })
    } else if (!file) removed.push(id)
    else if (isFolder(file)) folders.push(toFolderItem(file, false))
    else files.push(toFileItem(file))
  }

  const foldersChanged = cursor.foldersChanged || folders.length > 0
  const rebuildPaths = folders.length > 0 || removed.length > 0
  const page = { ...emptyPage('changes', scope), folders, files, removed, rebuildPaths }
  if (answer.nextPageToken !== undefined) {
    return { ...page, next: { ...cursor, foldersChanged, feed: answer.nextPageToken } satisfies ChangesCursor, more: true }
  }
  const feed = answer.newStartPageToken
  if (feed === undefined) {
    throw new PatchbayError('provider_answer_invalid', 'Google Drive answered with changes and no position after them.', {
      context: { provider: 'google-drive', field: 'newStartPageToken' },
    })
  }
  const corpus = { driveId, rootId, feed }
  if (!foldersChanged) return { ...page, next: changesCursor(corpus), more: false }
  return { ...page, next: { at: 'tree', pass: 'changes', ...corpus, ...batchOf([]) } satisfies TreeCursor, more: true }
}

/** The last change of each item. Throws `provider_not_found` when the shared drive itself is gone. */
function latest(changes: Change[], driveId: string | null): Map<string, Change> {
  const byId = new Map<string, Change>()
  for (const change of changes) {
    if (change.changeType === 'drive') {
      if (change.removed === true && driveId !== null && change.driveId === driveId) throw sharedDriveNotFound(driveId)
    } else if (change.fileId !== undefined) byId.set(change.fileId, change)
  }
  return byId
}

/** The file as it is now; undefined when it is gone, in the trash, or in another drive. */
function covered({ removed, file }: Change, driveId: string | null): Change['file'] {
  if (removed === true || !file || file.trashed === true) return undefined
  return (file.driveId ?? null) === driveId ? file : undefined
}

function emptyPage(pass: Page['pass'], scope: Scope | undefined): Omit<Page, 'next' | 'more'> {
  return {
    pass,
    folders: [],
    files: [],
    removed: [],
    listed: [],
    rebuildPaths: false,
    orphanPath: scope?.kind === 'folder' ? null : orphanPath,
  }
}

function batchOf(batch: string[]): Pick<TreeCursor, 'batch' | 'silent' | 'alone' | 'pageToken'> {
  return { batch, silent: batch, alone: [], pageToken: null }
}

function changesCursor(corpus: Pick<DriveCursor, 'driveId' | 'rootId' | 'feed'>): ChangesCursor {
  return { at: 'changes', ...corpus, foldersChanged: false }
}

/** An endpoint whose own root is gone keeps its files until somebody decides: losing access to a folder is often an accident. */
function rootGone(scope: Scope): PatchbayError {
  const what = scope.kind === 'account' ? 'My Drive' : `The folder ${scope.id}`
  return new PatchbayError(
    'provider_not_found',
    `${what} is in the trash, deleted or no longer shared with this account. Restore it, or delete the endpoint.`,
    { context: { provider: 'google-drive' } },
  )
}
