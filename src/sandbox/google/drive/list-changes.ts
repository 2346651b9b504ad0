import { canRead, canSee, corpusOf, type Corpus, type Viewer } from './access.ts'
import type { Change, DriveChange, FileChange } from './change-log.ts'
import { invalidValue, missingParameter } from '../api-error.ts'
import type { DriveFile, SharedDrive } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'
import { checkSpaces, memberDrive, readBoolean, readPageSize, readSharedDriveFlags, type Parameters } from './parameters.ts'

/** One entry of a change feed. `file` or `drive` is null when it is no longer there for the reader. */
export type FeedEntry =
  | { kind: 'file'; change: FileChange; removed: boolean; file: DriveFile | null }
  | { kind: 'drive'; change: DriveChange; removed: boolean; drive: SharedDrive | null }

/** Which part of all changes a reader gets. */
export interface Feed {
  viewer: Viewer
  /** Set for the feed of one shared drive. */
  drive: SharedDrive | null
  sharedDrives: boolean
  myDriveOnly: boolean
  removed: boolean
  /** What left the feed and can still be read comes with its file. */
  corpusRemovals: boolean
}

/** The token that stands for "from now on". Throws ApiError for a shared drive that the account is not a member of. */
export function startPageToken(parameters: Parameters, store: DriveStore, viewer: Viewer): string {
  const driveId = parameters['driveId']
  if (driveId !== undefined) memberDrive(store, driveId, viewer)
  return String(store.changes.next)
}

/** Answers changes.list: each file once, in its latest state, in the order of these latest changes. Throws ApiError. */
export function listChanges(
  parameters: Parameters,
  store: DriveStore,
  viewer: Viewer,
  limit: number,
): { entries: FeedEntry[]; nextPageToken: string } | { entries: FeedEntry[]; newStartPageToken: string } {
  checkSpaces(parameters)
  const size = Math.min(readPageSize(parameters), limit)
  const feed = readFeed(parameters, store, viewer)
  const begin = readChangeToken(parameters, store)
  if (size === 0) return { entries: [], nextPageToken: String(begin) }
  const entries: FeedEntry[] = []
  const gone = new Set<string>()
  for (let number = begin; number < store.changes.next; number += 1) {
    const change = store.changes.at(number)
    const entry = change === undefined ? null : feedEntry(change, feed, store)
    if (entry === null || (entry.kind === 'file' && gone.has(entry.change.fileId))) continue
    if (entries.length === size) return { entries, nextPageToken: String(number) }
    entries.push(entry)
    if (entry.kind === 'file' && entry.removed) gone.add(entry.change.fileId)
  }
  return { entries, newStartPageToken: String(store.changes.next) }
}

/** Throws ApiError, also when the shared drive that it names is not the account's (any more). */
export function readFeed(parameters: Parameters, store: DriveStore, viewer: Viewer): Feed {
  const driveId = parameters['driveId']
  const sharedDrives = readSharedDriveFlags(parameters, driveId !== undefined)
  return {
    viewer,
    drive: driveId === undefined ? null : memberDrive(store, driveId, viewer),
    sharedDrives,
    myDriveOnly: readBoolean(parameters, 'restrictToMyDrive'),
    removed: readBoolean(parameters, 'includeRemoved', true),
    corpusRemovals: readBoolean(parameters, 'includeCorpusRemovals'),
  }
}

/** Whether a reader would find something in changes.list from the change `begin` on. */
export function hasNews(feed: Feed, store: DriveStore, begin: number): boolean {
  for (let number = begin; number < store.changes.next; number += 1) {
    const change = store.changes.at(number)
    if (change !== undefined && feedEntry(change, feed, store) !== null) return true
  }
  return false
}

/** The number of the first change that a token stands for. Throws ApiError. */
export function readChangeToken(parameters: Parameters, { changes }: DriveStore): number {
  const token = parameters['pageToken']
  if (token === undefined) throw missingParameter('pageToken')
  const number = /^\d{1,15}$/.test(token) ? Number(token) : -1
  if (number < changes.first || number > changes.next) throw invalidValue('pageToken')
  return number
}

function feedEntry(change: Change, feed: Feed, store: DriveStore): FeedEntry | null {
  return 'fileId' in change ? fileEntry(change, feed, store) : driveEntry(change, feed, store)
}

function fileEntry(change: FileChange, feed: Feed, store: DriveStore): FeedEntry | null {
  const file = store.find(change.fileId)
  if (file !== undefined && covers(feed, corpusOf(file), store)) {
    // Only the latest change of a file counts; the others are in it.
    if (file.lastChange !== change.number || !appSees(file, feed.viewer)) return null
    return { kind: 'file', change, removed: false, file }
  }
  if (!feed.removed) return null
  if (!leaves(change, feed, store) && !(file !== undefined && leavesLater(file, change, feed, store))) return null
  const readable = file !== undefined && feed.corpusRemovals && canRead(file, feed.viewer.account.email)
  return { kind: 'file', change, removed: true, file: readable ? file : null }
}

/** Whether a reader of the feed loses sight of a file with this change of it. */
function leaves({ moved }: FileChange, feed: Feed, store: DriveStore): boolean {
  return moved !== null && covers(feed, moved.from, store) && (moved.to === null || !covers(feed, moved.to, store))
}

/** Whether the reader lost sight of it after a change of it, with a folder around it, which has no change for what is in it. */
function leavesLater(file: DriveFile, { number }: FileChange, feed: Feed, store: DriveStore): boolean {
  for (let folder = file.parent; folder !== null; folder = folder.parent) {
    const later = folder.lastChange > number ? store.changes.at(folder.lastChange) : undefined
    if (later !== undefined && 'fileId' in later && leaves(later, feed, store)) return true
  }
  return false
}

function driveEntry(change: DriveChange, feed: Feed, store: DriveStore): FeedEntry | null {
  if (change.account !== feed.viewer.account.email || !feed.sharedDrives || feed.drive !== null || feed.myDriveOnly) return null
  if (laterDriveChange(change, store)) return null
  const drive = store.drives.get(change.driveId)
  const member = drive?.members.includes(change.account) ?? false
  if (!member && !feed.removed) return null
  return { kind: 'drive', change, removed: !member, drive: member && drive !== undefined ? drive : null }
}

function laterDriveChange({ number, driveId, account }: DriveChange, { changes }: DriveStore): boolean {
  for (let later = number + 1; later < changes.next; later += 1) {
    const change = changes.at(later)
    if (change !== undefined && 'account' in change && change.driveId === driveId && change.account === account) return true
  }
  return false
}

function covers({ viewer, drive, sharedDrives, myDriveOnly }: Feed, corpus: Corpus, store: DriveStore): boolean {
  const { email } = viewer.account
  if (drive !== null) return corpus.driveId === drive.id
  if (corpus.driveId !== null) {
    return sharedDrives && !myDriveOnly && (store.drives.get(corpus.driveId)?.members.includes(email) ?? false)
  }
  return corpus.owner === email || (!myDriveOnly && corpus.audience.includes(email))
}

function appSees(file: DriveFile, viewer: Viewer): boolean {
  return viewer.onlyClient === null || canSee(file, viewer)
}
