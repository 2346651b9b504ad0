import { timestamp } from '../../clock.ts'
import type { DriveEntry } from '../admin-contract.ts'
import { canRead, visibleParent } from './access.ts'
import { isFolder, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'

/** Everything that an account can read, as it really is. */
export function driveEntries(store: DriveStore, email: string): DriveEntry[] {
  const paths = new Map<DriveFile, string>()
  const files = store.files.filter((file) => file !== undefined && canRead(file, email))
  return files.filter((file) => file !== undefined).map((file) => driveEntry(file, email, paths))
}

/** One file for one account. `paths` keeps what was worked out, for the next file. */
export function driveEntry(file: DriveFile, email: string, paths = new Map<DriveFile, string>()): DriveEntry {
  const { id, name, mimeType, size, trashed } = file
  return {
    id,
    name,
    mimeType,
    size,
    path: pathOf(file, email, paths),
    parentId: visibleParent(file, email)?.id ?? null,
    driveId: file.drive?.id ?? null,
    trashed,
    isFolder: isFolder(file),
    modifiedTime: timestamp(file.modified),
  }
}

function pathOf(file: DriveFile, email: string, paths: Map<DriveFile, string>): string {
  const known = paths.get(file)
  if (known !== undefined) return known
  const path = `${folderPath(file, email, paths)}/${file.name}`
  paths.set(file, path)
  return path
}

function folderPath(file: DriveFile, email: string, paths: Map<DriveFile, string>): string {
  const parent = visibleParent(file, email)
  if (parent === null) return '/Shared with me'
  if (parent.seq >= 0) return pathOf(parent, email, paths)
  return parent.drive === null ? '' : `/Shared drives/${parent.drive.name}`
}
