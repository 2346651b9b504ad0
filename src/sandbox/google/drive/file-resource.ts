import { hash } from 'node:crypto'
import type { drive_v3 } from '@googleapis/drive'
import { timestamp } from '../../clock.ts'
import { extension } from '../../mime-types.ts'
import { findAccount, type Account } from '../accounts.ts'
import { audience, canEdit, visibleParent } from './access.ts'
import { folderType, isFolder, isNative, type DriveFile } from './drive-file.ts'
import { innerMask, project, selects, type FieldMask } from './field-mask.ts'

type Field<Value = unknown> = (file: DriveFile, viewer: Account) => Value

/** A field of the API's own type, each with how it is worked out. */
type Fields = { readonly [Name in keyof drive_v3.Schema$File]?: Field<drive_v3.Schema$File[Name]> }

const documentPaths: Readonly<Record<string, string>> = {
  'application/vnd.google-apps.document': 'document',
  'application/vnd.google-apps.spreadsheet': 'spreadsheets',
  'application/vnd.google-apps.presentation': 'presentation',
}

// Undefined: the field is absent. Integers of 64 bits are strings in JSON.
const fields: Fields = {
  kind: () => 'drive#file',
  id: (file) => file.id,
  name: (file) => file.name,
  mimeType: (file) => file.mimeType,
  starred: () => false,
  trashed: (file) => file.trashed,
  explicitlyTrashed: (file) => file.explicitlyTrashed,
  parents: (file, viewer) => {
    const parent = visibleParent(file, viewer.email)
    return parent === null ? undefined : [parent.id]
  },
  spaces: () => ['drive'],
  version: (file) => String(file.version),
  createdTime: (file) => timestamp(file.created),
  modifiedTime: (file) => timestamp(file.modified),
  modifiedByMe: (file, viewer) => file.owner === viewer.email,
  lastModifyingUser: (file, viewer) => userResource(findAccount(file.owner ?? ''), viewer),
  size: (file) => (file.size === null ? undefined : String(file.size)),
  quotaBytesUsed: (file) => String(file.size ?? 0),
  // From the file's identity, size and time, not from its bytes: reading 60,000 files at the start would take minutes, and all that a
  // client can tell is whether the checksum changed.
  md5Checksum: (file) => checksum('md5', file),
  sha1Checksum: (file) => checksum('sha1', file),
  sha256Checksum: (file) => checksum('sha256', file),
  headRevisionId: (file) =>
    isNative(file.mimeType) ? undefined : `0B${hash('sha256', contentKey(file), 'base64url').slice(0, 42)}`,
  originalFilename: (file) => (isNative(file.mimeType) ? undefined : file.name),
  fileExtension: (file) => (isNative(file.mimeType) ? undefined : extension(file.name)),
  fullFileExtension: (file) => (isNative(file.mimeType) ? undefined : (/[^.]\.(.+)$/.exec(file.name)?.[1] ?? '')),
  webViewLink: (file) => webViewLink(file),
  webContentLink: (file) => (isNative(file.mimeType) ? undefined : `https://drive.google.com/uc?id=${file.id}&export=download`),
  iconLink: (file) => `https://drive-thirdparty.googleusercontent.com/16/type/${file.mimeType}`,
  hasThumbnail: () => false,
  thumbnailVersion: () => '0',
  driveId: (file) => file.drive?.id,
  teamDriveId: (file) => file.drive?.id,
  // In a shared drive nobody owns a file, and who may see it is the drive's affair.
  owners: (file, viewer) => (file.drive === null ? owners(findAccount(file.owner ?? ''), viewer) : undefined),
  ownedByMe: (file, viewer) => (file.drive === null ? file.owner === viewer.email : undefined),
  shared: (file) => (file.drive === null ? audience(file).length > 0 : undefined),
  sharedWithMeTime: (file, viewer) =>
    file.sharedAt !== null && file.sharedWith.includes(viewer.email) ? timestamp(file.sharedAt) : undefined,
  sharingUser: (file, viewer) =>
    file.sharedWith.includes(viewer.email) ? userResource(findAccount(file.owner ?? ''), viewer) : undefined,
  trashedTime: (file) => (file.drive !== null && file.trashedAt !== null ? timestamp(file.trashedAt) : undefined),
  shortcutDetails: (file) =>
    file.shortcutTarget === null ? undefined : { targetId: file.shortcutTarget.id, targetMimeType: file.shortcutTarget.mimeType },
  capabilities: (file, viewer) => capabilities(file, viewer),
  inheritedPermissionsDisabled: (file) => !file.inheritsSharing,
  copyRequiresWriterPermission: () => false,
  viewersCanCopyContent: () => true,
  writersCanShare: () => true,
  isAppAuthorized: (file) => file.appClient !== null,
}

/** Turns files into JSON, as one account sees them and cut down to one mask. Keeps what it has made until the file changes. */
export class FileRenderer {
  readonly #viewer: Account
  readonly #selected: readonly { name: string; field: Field; mask: FieldMask | null }[]
  // By `seq`, which is dense: no key to hash, nothing to evict.
  readonly #stamps: number[] = []
  readonly #rendered: string[] = []

  constructor(viewer: Account, mask: FieldMask | null) {
    this.#viewer = viewer
    this.#selected = Object.entries(fields)
      .filter(([name]) => selects(mask, name))
      .map(([name, field]) => ({ name, field, mask: innerMask(mask, name) }))
  }

  json(file: DriveFile): string {
    if (file.seq < 0) return this.#render(file)
    const known = this.#rendered[file.seq]
    if (known !== undefined && this.#stamps[file.seq] === file.stamp) return known
    const json = this.#render(file)
    this.#rendered[file.seq] = json
    this.#stamps[file.seq] = file.stamp
    return json
  }

  #render(file: DriveFile): string {
    const resource: Record<string, unknown> = {}
    for (const { name, field, mask } of this.#selected) {
      const value = field(file, this.#viewer)
      if (value !== undefined) resource[name] = mask === null ? value : project(value, mask)
    }
    return JSON.stringify(resource)
  }
}

/** A user, as Drive shows one to another. */
export function userResource(account: Account | undefined, viewer: Account): drive_v3.Schema$User | undefined {
  if (account === undefined) return undefined
  const { displayName, permissionId, email } = account
  return { kind: 'drive#user', displayName, me: account === viewer, permissionId, emailAddress: email }
}

function owners(account: Account | undefined, viewer: Account): drive_v3.Schema$User[] | undefined {
  const owner = userResource(account, viewer)
  return owner && [owner]
}

function contentKey(file: DriveFile): string {
  return `${file.id}/${file.size}/${file.modified}/${file.revision}`
}

function checksum(algorithm: 'md5' | 'sha1' | 'sha256', file: DriveFile): string | undefined {
  return isNative(file.mimeType) ? undefined : hash(algorithm, contentKey(file), 'hex')
}

function webViewLink(file: DriveFile): string {
  if (file.mimeType === folderType) return `https://drive.google.com/drive/folders/${file.id}`
  const path = documentPaths[file.mimeType]
  if (path !== undefined) return `https://docs.google.com/${path}/d/${file.id}/edit?usp=drivesdk`
  return `https://drive.google.com/file/d/${file.id}/view?usp=drivesdk`
}

function capabilities(file: DriveFile, viewer: Account): drive_v3.Schema$File['capabilities'] {
  const edit = canEdit(file, viewer.email)
  return {
    canAddChildren: edit && isFolder(file),
    canDelete: edit,
    canDownload: true,
    canEdit: edit,
    canListChildren: isFolder(file),
    canRename: edit,
    canShare: edit,
    canTrash: edit,
    canUntrash: edit,
  }
}
