import { PatchbayError } from '../../errors.ts'
import type { Page, StreamContext } from '../../sync/stream.ts'
import { type TreeCursor, beginBatch, beginChanges } from './cursor.ts'
import { emptyPage } from './empty-page.ts'
import type { Scope } from './endpoint-config.ts'
import { isFolder, toFileItem, toFolderItem } from './items.ts'
import { getFolder, listFiles, quoted } from './requests.ts'

/** Folders in one query. */
const batchSize = 50

/** The contents of folders that are not listed yet. */
export async function treePage(context: StreamContext, scope: Scope, cursor: TreeCursor): Promise<Page> {
  const { driveId, rootId, feed, pass } = cursor
  const page = emptyPage(pass, scope)
  const position = cursor.batch.length > 0 ? cursor : { ...cursor, ...beginBatch(await context.unlistedFolders(batchSize)) }
  const { batch } = position
  if (batch.length === 0) return { ...page, next: beginChanges({ driveId, rootId, feed }), more: false }

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
  return { ...position, ...beginBatch(first === undefined ? [] : [first]), alone }
}
