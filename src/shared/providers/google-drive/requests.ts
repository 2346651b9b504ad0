import type { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { ProviderApi } from '../../http/provider-api.ts'
import type { StreamContext } from '../../sync/stream.ts'
import {
  ChangeList,
  Channel,
  FileList,
  RootFolder,
  StartPageToken,
  changeListFields,
  channelFields,
  fileListFields,
  folderListFields,
  rootFolderFields,
} from './answers.ts'
import { sharedDriveNotFound } from './gone.ts'

/** The folder `id`, which may be `root` for the root of My Drive. Throws `provider_not_found`. */
export async function getFolder(api: ProviderApi, id: string): Promise<z.infer<typeof RootFolder>> {
  return api.get(`/files/${encodeURIComponent(id)}`, { fields: rootFolderFields, supportsAllDrives: 'true' }, RootFolder)
}

/** The position that the change feed has now. `driveId` null: the feed of My Drive and of what is shared with the account. */
export async function getStartPageToken(api: ProviderApi, driveId: string | null): Promise<string> {
  const query = { fields: 'startPageToken', supportsAllDrives: 'true', driveId: driveId ?? undefined }
  const answer = await inSharedDrive(driveId, api.get('/changes/startPageToken', query, StartPageToken))
  return answer.startPageToken
}

interface ListRequest {
  q: string
  driveId: string | null
  pageToken: string | null
  only?: 'folders'
}

/** One page of what `q` finds and is not in the trash. Throws `cursor_expired` when the page token is refused. */
export async function listFiles({ api, pageSize }: StreamContext, request: ListRequest): Promise<z.infer<typeof FileList>> {
  const { q, driveId, pageToken, only } = request
  const query = {
    q: `${q} and trashed = false`,
    pageSize: String(pageSize),
    pageToken: pageToken ?? undefined,
    fields: only === 'folders' ? folderListFields : fileListFields,
    spaces: 'drive',
    corpora: driveId === null ? 'user' : 'drive',
    ...sharedDriveQuery(driveId),
  }
  const answer = await withPageToken(pageToken, api.get('/files', query, FileList))
  if (answer.incompleteSearch === true) {
    // A pass that has not seen everything must not end: its end deletes the rest.
    const message = 'Google Drive searched only a part of its files. Patchbay reads them again later.'
    throw new PatchbayError('provider_unavailable', message, {
      context: { provider: 'google-drive', reason: 'incompleteSearch' },
    })
  }
  return { ...answer, nextPageToken: nextPageToken(pageToken, answer.nextPageToken) }
}

/** One page of the change feed. Throws `cursor_expired` when the page token is refused. */
export async function listChanges(
  { api, pageSize }: StreamContext,
  driveId: string | null,
  pageToken: string,
): Promise<z.infer<typeof ChangeList>> {
  const query = {
    pageToken,
    pageSize: String(pageSize),
    fields: changeListFields,
    spaces: 'drive',
    includeRemoved: 'true',
    ...sharedDriveQuery(driveId),
  }
  const answer = await inSharedDrive(driveId, withPageToken(pageToken, api.get('/changes', query, ChangeList)))
  return { ...answer, nextPageToken: nextPageToken(pageToken, answer.nextPageToken) }
}

/** A push channel as it is asked for. `id` and `token` are ours; `expiresAt` is in milliseconds since the epoch. */
interface ChannelRequest {
  id: string
  address: string
  token: string
  expiresAt: number
}

/** Has every change of the feed told to `address`, from now on. */
export async function watchChanges(
  api: ProviderApi,
  driveId: string | null,
  { id, address, token, expiresAt }: ChannelRequest,
): Promise<z.infer<typeof Channel>> {
  const pageToken = await getStartPageToken(api, driveId)
  const request = api.send({
    method: 'POST',
    path: '/changes/watch',
    query: { pageToken, fields: channelFields, spaces: 'drive', includeRemoved: 'true', ...sharedDriveQuery(driveId) },
    json: { id, type: 'web_hook', address, token, expiration: String(expiresAt) },
  })
  const parsed = Channel.safeParse((await inSharedDrive(driveId, request)).body)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') || 'the answer itself'
  const message = `Google Drive answered a watch request with something that Patchbay does not understand: ${field}.`
  throw new PatchbayError('provider_answer_invalid', message, { context: { provider: 'google-drive', field } })
}

/** Ends a push channel. Throws `provider_not_found` for one that Google does not know, or no longer. */
export async function stopChannel(api: ProviderApi, id: string, resourceId: string): Promise<void> {
  await api.send({ method: 'POST', path: '/channels/stop', json: { id, resourceId }, repeatable: true, mayBeEmpty: true })
}

/** An id as it stands in `q`. */
export function quoted(id: string): string {
  return `'${id.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/**
 * Items of shared drives are left out of the account's own list and feed, which would show those that somebody happened to open:
 * a shared drive is complete only when it is asked for by its id.
 * https://developers.google.com/workspace/drive/api/guides/enable-shareddrives
 */
function sharedDriveQuery(driveId: string | null): Record<string, string | undefined> {
  if (driveId === null) return { supportsAllDrives: 'true' }
  return { supportsAllDrives: 'true', includeItemsFromAllDrives: 'true', driveId }
}

/** A refused page token means: begin again. https://developers.google.com/workspace/drive/api/reference/rest/v3/files/list */
async function withPageToken<T>(pageToken: string | null, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const refused = error instanceof PatchbayError && error.context.status === 400 && error.context.reason === 'invalid'
    if (refused && pageToken !== null) {
      throw new PatchbayError('cursor_expired', 'Google Drive no longer accepts the position that was reached.', { cause: error })
    }
    throw error
  }
}

async function inSharedDrive<T>(driveId: string | null, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const notFound = error instanceof PatchbayError && error.code === 'provider_not_found'
    throw notFound && driveId !== null ? sharedDriveNotFound(driveId, error) : error
  }
}

/** The same token again would be the same page for ever. */
function nextPageToken(sent: string | null, received: string | undefined): string | undefined {
  if (received === undefined || received !== sent) return received
  throw new PatchbayError('provider_answer_invalid', 'Google Drive answered a page token with the same page token.', {
    context: { provider: 'google-drive', field: 'nextPageToken' },
  })
}
