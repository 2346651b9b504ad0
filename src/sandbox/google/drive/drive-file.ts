/** A file, folder or shortcut. Times are milliseconds since the epoch, sizes bytes. */
export interface DriveFile {
  readonly id: string
  /**
   * Its place in every listing: it grows with each creation and is never used again, so that a list can be read in pages while
   * others are created and deleted. -1 for the root of a My Drive or a shared drive, which no listing shows.
   */
  readonly seq: number
  name: string
  mimeType: string
  parent: DriveFile | null
  /** What is directly in this folder, by `seq`. */
  readonly children: DriveFile[]
  /** E-mail address; null in a shared drive, which owns its files itself. */
  owner: string | null
  drive: SharedDrive | null
  /** Null for folders, shortcuts and some Google Docs. */
  size: number | null
  created: number
  modified: number
  /** It was put into the trash itself, not with a folder. */
  explicitlyTrashed: boolean
  trashed: boolean
  trashedAt: number | null
  shortcutTarget: { id: string; mimeType: string } | null
  /** Accounts that may read it, other than by a folder. */
  sharedWith: readonly string[]
  sharedAt: number | null
  /** False: access to it is limited to whom it is shared with itself, and its folder's sharing ends here. */
  inheritsSharing: boolean
  /** Grows with every change to the file itself. */
  version: number
  /** Grows with every change to its content. */
  revision: number
  /** Grows with everything that makes its JSON different, also what happens to its folder. In memory only. */
  stamp: number
  /** The number of its latest change; 0 when it never changed. */
  lastChange: number
  /** Where on disk it came from; null when it was made in Drive. */
  readonly source: string | null
  /** Its content was replaced in Drive: the disk no longer says anything about it. */
  edited: boolean
  /** The app that made it. */
  readonly appClient: string | null
}

/** A shared drive. Its root folder has the same id. */
export interface SharedDrive {
  readonly id: string
  name: string
  readonly created: number
  members: readonly string[]
  readonly root: DriveFile
}

export const folderType = 'application/vnd.google-apps.folder'
export const shortcutType = 'application/vnd.google-apps.shortcut'

export function isFolder(file: DriveFile): boolean {
  return file.mimeType === folderType
}

/** True for what has no bytes of its own: Google Docs and the like, folders, shortcuts. */
export function isNative(mimeType: string): boolean {
  return mimeType.startsWith('application/vnd.google-apps.')
}

/** True for what is edited in Google's own editors. */
export function isDocument(mimeType: string): boolean {
  return isNative(mimeType) && mimeType !== folderType && mimeType !== shortcutType
}

/** Calls `visit` for the file and everything below it, folders first. */
export function walk(file: DriveFile, visit: (file: DriveFile) => void): void {
  visit(file)
  for (const child of file.children) walk(child, visit)
}

/** True when `file` is `folder` or somewhere below it. */
export function isWithin(file: DriveFile, folder: DriveFile): boolean {
  for (let at: DriveFile | null = file; at !== null; at = at.parent) if (at === folder) return true
  return false
}

/** The position of the first file after `seq` in a list that is ordered by it. */
export function positionAfter(files: readonly DriveFile[], seq: number): number {
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((files[middle]?.seq ?? Infinity) <= seq) low = middle + 1
    else high = middle
  }
  return low
}

export function addChild(folder: DriveFile, child: DriveFile): void {
  folder.children.splice(positionAfter(folder.children, child.seq), 0, child)
}

export function removeChild(folder: DriveFile, child: DriveFile): void {
  const index = positionAfter(folder.children, child.seq) - 1
  if (folder.children[index] === child) folder.children.splice(index, 1)
}

/** A file with everything that is not given at its usual value. */
export function newFile(given: Pick<DriveFile, 'id' | 'seq' | 'name' | 'mimeType' | 'owner'> & Partial<DriveFile>): DriveFile {
  return {
    parent: null,
    children: [],
    drive: null,
    size: null,
    created: 0,
    modified: 0,
    explicitlyTrashed: false,
    trashed: false,
    trashedAt: null,
    shortcutTarget: null,
    sharedWith: [],
    sharedAt: null,
    inheritsSharing: true,
    version: 1,
    revision: 1,
    stamp: 0,
    lastChange: 0,
    source: null,
    edited: false,
    appClient: null,
    ...given,
  }
}

/** Works out `trashed` again, for the file and what is in it. */
export function refreshTrashed(file: DriveFile): void {
  const trashed = file.explicitlyTrashed || (file.parent?.trashed ?? false)
  if (trashed === file.trashed) return
  file.trashed = trashed
  file.stamp += 1
  for (const child of file.children) refreshTrashed(child)
}
