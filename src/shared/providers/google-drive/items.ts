import type { FileItem, FolderItem } from '../../sync/stream.ts'
import type { DriveFile } from './answers.ts'

const folderMimeType = 'application/vnd.google-apps.folder'

/** In the language of `files.list`: https://developers.google.com/workspace/drive/api/guides/ref-search-terms */
export const onlyFolders = `mimeType = '${folderMimeType}'`
export const noFolders = `mimeType != '${folderMimeType}'`

/** A shortcut to a folder is a file: following it could lead in circles. */
export function isFolder(file: { mimeType: string }): boolean {
  return file.mimeType === folderMimeType
}

export function toFolderItem(file: DriveFile, listed: boolean): FolderItem {
  return { id: file.id, parent: file.parents?.[0] ?? null, name: file.name, listed }
}

export function toFileItem(file: DriveFile): FileItem {
  return {
    id: file.id,
    parent: file.parents?.[0] ?? null,
    name: file.name,
    link: file.webViewLink ?? `https://drive.google.com/file/d/${file.id}/view`,
    size: file.size === undefined ? null : Number(file.size),
    mime: file.mimeType,
    created: file.createdTime ?? null,
    updated: file.modifiedTime ?? null,
    metadata: metadata(file),
  }
}

/** Only what changes with the file: anything else, such as `version` or `thumbnailLink`, would rewrite unchanged rows. */
function metadata(file: DriveFile): Record<string, unknown> {
  const facts: Record<string, unknown> = {}
  if (file.md5Checksum !== undefined) facts['md5'] = file.md5Checksum
  if (file.driveId !== undefined) facts['drive_id'] = file.driveId
  if (file.shortcutDetails) {
    facts['shortcut'] = { target_id: file.shortcutDetails.targetId, target_mime_type: file.shortcutDetails.targetMimeType }
  }
  return facts
}
