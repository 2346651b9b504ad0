import { z } from 'zod'
import type { SandboxClock } from '../../clock.ts'
import { mimeType as typeOf } from '../../mime-types.ts'
import { canEdit, canRead, type Viewer } from './access.ts'
import { forbidden } from '../api-error.ts'
import { appNotAuthorized, badRequestBody, fileNotFound } from './drive-error.ts'
import { isDocument, isFolder, isNative, isWithin, shortcutType, type DriveFile } from './drive-file.ts'
import type { DriveStore, FilePatch } from './drive-store.ts'
import { readBoolean, type Parameters } from './parameters.ts'

const documentSize = 1024

const Metadata = z.object({
  name: z.string().optional(),
  mimeType: z.string().optional(),
  parents: z.array(z.string()).optional(),
  trashed: z.boolean().optional(),
  createdTime: z.iso.datetime({ offset: true }).optional(),
  modifiedTime: z.iso.datetime({ offset: true }).optional(),
  shortcutDetails: z.object({ targetId: z.string() }).optional(),
})
type Metadata = z.output<typeof Metadata>

/** Finds, makes and alters single files for an app. Who may do what is decided here. All throw ApiError. */
export class FileEditor {
  readonly #store: DriveStore
  readonly #clock: SandboxClock

  constructor(store: DriveStore, clock: SandboxClock) {
    this.#store = store
    this.#clock = clock
  }

  /** The file, which may be `root`. What the account may not see, or what is in a shared drive unasked, is not found. */
  find(id: string, parameters: Parameters, { account, onlyClient }: Viewer): DriveFile {
    const file = id === 'root' ? this.#store.root(account.email) : this.#store.find(id)
    if (file === undefined || !canRead(file, account.email)) throw fileNotFound(id)
    if (file.drive !== null && !readBoolean(parameters, 'supportsAllDrives')) throw fileNotFound(id)
    if (onlyClient !== null && file.seq >= 0 && file.appClient !== onlyClient) throw appNotAuthorized(onlyClient, id)
    return file
  }

  create(body: unknown, parameters: Parameters, viewer: Viewer, clientId: string): DriveFile {
    const { name = 'Untitled', mimeType, parents = ['root'], createdTime, modifiedTime, shortcutDetails } = parseMetadata(body)
    const [parentId = 'root', ...others] = parents
    if (others.length > 0) throw tooManyParents()
    const parent = this.#folder(parentId, parameters, viewer)
    const target = shortcutDetails && this.find(shortcutDetails.targetId, parameters, viewer)
    const type = target === undefined ? (mimeType ?? typeOf(name)) : shortcutType
    const now = this.#clock.now()
    return this.#store.create({
      parent,
      name,
      mimeType: type,
      size: initialSize(type),
      created: createdTime === undefined ? now : Date.parse(createdTime),
      modified: modifiedTime === undefined ? now : Date.parse(modifiedTime),
      ...(target !== undefined && { shortcutTarget: { id: target.id, mimeType: target.mimeType } }),
      appClient: clientId,
    })
  }

  update(id: string, body: unknown, parameters: Parameters, viewer: Viewer): DriveFile {
    const file = this.#editable(id, parameters, viewer)
    const { name, mimeType, trashed, createdTime, modifiedTime } = parseMetadata(body)
    this.#moveAsAsked(file, parameters, viewer)
    const patch: FilePatch = {
      ...(name !== undefined && { name }),
      ...(mimeType !== undefined && { mimeType }),
      ...(createdTime !== undefined && { created: Date.parse(createdTime) }),
      ...(modifiedTime !== undefined && { modified: Date.parse(modifiedTime), edited: true }),
    }
    if (Object.keys(patch).length > 0) this.#store.update(file, patch)
    if (trashed !== undefined && trashed !== file.trashed) this.#store.setTrashed(file, trashed)
    return file
  }

  delete(id: string, parameters: Parameters, viewer: Viewer): void {
    this.#store.remove(this.#editable(id, parameters, viewer), 'owner')
  }

  #moveAsAsked(file: DriveFile, parameters: Parameters, viewer: Viewer): void {
    const added = parameters['addParents']?.split(',') ?? []
    const removed = (parameters['removeParents']?.split(',') ?? []).map((id) => this.#rootAlias(id, viewer))
    const [parentId] = added
    if (parentId === undefined) return
    const parent = this.#folder(parentId, parameters, viewer)
    if (parent === file.parent) return
    // Since 2020 a file has one parent: a new one needs the old one taken away.
    if (added.length > 1 || !removed.includes(file.parent?.id ?? '')) throw tooManyParents()
    if (isWithin(parent, file)) throw forbidden('cyclicFolder', 'A folder cannot be moved into itself.')
    this.#store.move(file, parent)
  }

  #editable(id: string, parameters: Parameters, viewer: Viewer): DriveFile {
    const file = this.find(id, parameters, viewer)
    if (file.seq >= 0 && canEdit(file, viewer.account.email)) return file
    throw forbidden('insufficientFilePermissions', `The user does not have sufficient permissions for file ${id}.`)
  }

  #folder(id: string, parameters: Parameters, viewer: Viewer): DriveFile {
    const folder = this.find(id, parameters, { ...viewer, onlyClient: null })
    if (!isFolder(folder)) throw forbidden('parentNotAFolder', 'The specified parent is not a folder.')
    if (canEdit(folder, viewer.account.email)) return folder
    throw forbidden('insufficientFilePermissions', `The user does not have sufficient permissions for file ${id}.`)
  }

  #rootAlias(id: string, { account }: Viewer): string {
    return id === 'root' ? this.#store.root(account.email).id : id
  }
}

/** Bytes of a file that was made without content. */
export function initialSize(type: string): number | null {
  if (isDocument(type)) return documentSize
  return isNative(type) ? null : 0
}

function parseMetadata(body: unknown): Metadata {
  const parsed = Metadata.safeParse(body)
  if (!parsed.success) throw badRequestBody()
  return parsed.data
}

function tooManyParents(): Error {
  return forbidden('cannotAddParent', 'Increasing the number of parents is not allowed')
}
