import { PatchbayError } from '../../errors.ts'
import type { FileItem, FolderItem, Page, StreamContext } from '../../sync/stream.ts'
import type { Change } from './answers.ts'
import { type ChangesCursor, type TreeCursor, beginBatch, beginChanges } from './cursor.ts'
import { emptyPage } from './empty-page.ts'
import type { Scope } from './endpoint-config.ts'
import { isFolder, toFileItem, toFolderItem } from './items.ts'
import { rootGone, sharedDriveNotFound } from './gone.ts'
import { listChanges } from './requests.ts'

/** What has changed since the feed's position. */
export async function changesPage(context: StreamContext, scope: Scope, cursor: ChangesCursor): Promise<Page> {
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
  if (!foldersChanged) return { ...page, next: beginChanges(corpus), more: false }
  return { ...page, next: { at: 'tree', pass: 'changes', ...corpus, ...beginBatch([]) } satisfies TreeCursor, more: true }
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
