import type { SandboxClock } from '../../clock.ts'
import { corpusOf, sameCorpus, type Corpus } from './access.ts'
import { ChangeLog, type Change } from './change-log.ts'
import {
  addChild,
  folderType,
  isDocument,
  newFile,
  refreshTrashed,
  removeChild,
  walk,
  type DriveFile,
  type SharedDrive,
} from './drive-file.ts'
import { documentId, fileId, rootId } from './ids.ts'

/** What a new file is made from. Everything else follows from its folder. */
export interface NewDriveFile {
  parent: DriveFile
  name: string
  mimeType: string
  size: number | null
  created: number
  modified: number
  source?: string
  shortcutTarget?: { id: string; mimeType: string }
  appClient?: string | null
}

/** New values for a file itself. */
export interface FilePatch {
  name?: string
  mimeType?: string
  modified?: number
  created?: number
  /** New content of that many bytes. */
  size?: number
  edited?: boolean
}

/** Why a file from disk is gone: it may come back when it was deleted on disk, and may not when its owner deleted it in Drive. */
export type DeletedBy = 'disk' | 'owner'

/** Gets every mutation, to keep it. */
export interface DriveRecorder {
  changed(file: DriveFile, change: Change): void
  removed(file: DriveFile, sources: readonly string[], by: DeletedBy, change: Change): void
  membership(drive: SharedDrive, change: Change): void
}

/** All files of all accounts, and what happened to them. It enforces how Drive behaves, not who may do what. */
export class DriveStore {
  readonly changes: ChangeLog
  /** By id: shared drives. */
  readonly drives = new Map<string, SharedDrive>()
  /** Files from disk that were deleted, by their path there. */
  readonly deletedSources = new Map<string, DeletedBy>()
  /** Set once the first tree is mounted: from then on, everything is a change. */
  recorder: DriveRecorder | null = null
  recording = false
  readonly #clock: SandboxClock
  readonly #files: (DriveFile | undefined)[] = []
  readonly #byId = new Map<string, DriveFile>()
  readonly #roots = new Map<string, DriveFile>()

  constructor(clock: SandboxClock, firstChange: number) {
    this.#clock = clock
    this.changes = new ChangeLog(firstChange)
  }

  /** Every file in the order of listings; undefined where one was deleted. */
  get files(): readonly (DriveFile | undefined)[] {
    return this.#files
  }

  find(id: string): DriveFile | undefined {
    return this.#byId.get(id)
  }

  /** The root folder of an account's My Drive. */
  root(account: string): DriveFile {
    const known = this.#roots.get(account)
    if (known !== undefined) return known
    const root = newFile({ id: rootId(account), seq: -1, name: 'My Drive', mimeType: folderType, owner: account })
    this.#roots.set(account, root)
    this.#byId.set(root.id, root)
    return root
  }

  addDrive(drive: Omit<SharedDrive, 'root'>): SharedDrive {
    const root = newFile({
      id: drive.id,
      seq: -1,
      name: drive.name,
      mimeType: folderType,
      owner: null,
      created: drive.created,
      modified: drive.created,
    })
    const added = { ...drive, root }
    root.drive = added
    this.drives.set(drive.id, added)
    this.#byId.set(drive.id, root)
    return added
  }

  create({ parent, ...input }: NewDriveFile): DriveFile {
    const seq = this.#files.length
    const file = newFile({
      ...input,
      id: this.#newId(parent, input, seq),
      seq,
      parent,
      owner: parent.owner,
      drive: parent.drive,
      trashed: parent.trashed,
    })
    this.restore(file)
    this.#changed(file, null)
    return file
  }

  /** Puts a file in its place, as it is. */
  restore(file: DriveFile): void {
    this.#files[file.seq] = file
    this.#byId.set(file.id, file)
    if (file.parent !== null) addChild(file.parent, file)
  }

  /** Keeps the next files from using numbers that were in use before a restart. */
  reserve(seq: number): void {
    if (this.#files.length < seq) this.#files.length = seq
  }

  update(file: DriveFile, patch: FilePatch): void {
    const before = corpusOf(file)
    Object.assign(file, patch)
    if (patch.size !== undefined) file.revision += 1
    this.#changed(file, before)
  }

  /** Puts a file into another folder, with everything in it. One change, for the file itself. */
  move(file: DriveFile, parent: DriveFile): void {
    const before = corpusOf(file)
    if (file.parent !== null) removeChild(file.parent, file)
    file.parent = parent
    addChild(parent, file)
    walk(file, (item) => {
      item.owner = parent.owner
      item.drive = parent.drive
      item.stamp += 1
    })
    refreshTrashed(file)
    this.#changed(file, before)
  }

  /** Into the trash or out of it. What is in a folder goes along without a change of its own. */
  setTrashed(file: DriveFile, trashed: boolean): void {
    const before = corpusOf(file)
    file.explicitlyTrashed = trashed
    file.trashedAt = trashed ? this.#clock.now() : null
    refreshTrashed(file)
    this.#changed(file, before)
  }

  /** Deletes a file for good, with everything in it. One change, for the file itself, and one for each that has changed before. */
  remove(file: DriveFile, by: DeletedBy): void {
    const before = corpusOf(file)
    if (file.parent !== null) removeChild(file.parent, file)
    const sources: string[] = []
    const changedBefore: { item: DriveFile; corpus: Corpus }[] = []
    walk(file, (item) => {
      if (item !== file && item.lastChange >= this.changes.first) changedBefore.push({ item, corpus: corpusOf(item) })
      this.#files[item.seq] = undefined
      this.#byId.delete(item.id)
      if (item.source === null) return
      sources.push(item.source)
      this.deletedSources.set(item.source, by)
    })
    if (!this.recording) return
    this.#gone(file, before, sources, by)
    // A reader who has not yet read of their change would otherwise hear neither of that nor of their end.
    for (const { item, corpus } of changedBefore) this.#gone(item, corpus, [], by)
  }

  /** Lets an account read a file or folder, or no longer. */
  share(file: DriveFile, account: string, shared: boolean): void {
    const others = file.sharedWith.filter((email) => email !== account)
    this.#changeSharing(file, () => {
      file.sharedWith = shared ? [...others, account] : others
      file.sharedAt = file.sharedWith.length > 0 ? this.#clock.now() : null
    })
  }

  /** Ends what a file or folder has of its folder's sharing, or gives it back: Drive's "limited access". */
  inheritSharing(file: DriveFile, inherits: boolean): void {
    this.#changeSharing(file, () => {
      file.inheritsSharing = inherits
    })
  }

  setMember(drive: SharedDrive, account: string, member: boolean): void {
    const others = drive.members.filter((email) => email !== account)
    drive.members = member ? [...others, account] : others
    const change = { number: this.changes.next, time: this.#clock.now(), driveId: drive.id, account }
    this.changes.push(change)
    this.recorder?.membership(drive, change)
  }

  /** One change, for the file itself, also when it is a folder whose contents are seen by others now. */
  #changeSharing(file: DriveFile, change: () => void): void {
    const before = corpusOf(file)
    change()
    walk(file, (item) => {
      item.stamp += 1
    })
    this.#changed(file, before)
  }

  #gone(file: DriveFile, corpus: Corpus, sources: readonly string[], by: DeletedBy): void {
    const change = { number: this.changes.next, time: this.#clock.now(), fileId: file.id, moved: { from: corpus, to: null } }
    this.changes.push(change)
    this.recorder?.removed(file, sources, by, change)
  }

  #newId(parent: DriveFile, { name, mimeType, source }: Omit<NewDriveFile, 'parent'>, seq: number): string {
    const key = `${parent.id}/${name}/${seq}`
    if (isDocument(mimeType)) return documentId(key)
    // A path on disk that was deleted and comes back is another file: its first id is not used again.
    const first = source === undefined || this.deletedSources.has(source) ? undefined : fileId(`${parent.owner}/${source}`)
    return first === undefined || this.#byId.has(first) ? fileId(key) : first
  }

  #changed(file: DriveFile, before: Corpus | null): void {
    file.stamp += 1
    if (!this.recording) return
    file.version += 1
    file.lastChange = this.changes.next
    const after = corpusOf(file)
    const moved = before === null || sameCorpus(before, after) ? null : { from: before, to: after }
    const change = { number: file.lastChange, time: this.#clock.now(), fileId: file.id, moved }
    this.changes.push(change)
    this.recorder?.changed(file, change)
  }
}
