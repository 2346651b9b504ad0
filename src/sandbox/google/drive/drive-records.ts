import { z } from 'zod'
import type { Journal } from '../../journal.ts'
import { newFile, refreshTrashed, type DriveFile, type SharedDrive } from './drive-file.ts'
import type { DriveRecorder, DriveStore } from './drive-store.ts'

const Corpus = z.object({ owner: z.string().nullable(), driveId: z.string().nullable(), audience: z.array(z.string()) })
const Change = z.union([
  z.object({
    number: z.number(),
    time: z.number(),
    fileId: z.string(),
    moved: z.object({ from: Corpus, to: Corpus.nullable() }).nullable(),
  }),
  z.object({ number: z.number(), time: z.number(), driveId: z.string(), account: z.string() }),
])
// What is usual is left out of the line, and comes back as the default.
const FileRecord = z.object({
  id: z.string(),
  seq: z.number(),
  name: z.string(),
  mimeType: z.string(),
  parent: z.string(),
  created: z.number(),
  modified: z.number(),
  size: z.number().nullable().default(null),
  version: z.number().default(1),
  revision: z.number().default(1),
  lastChange: z.number().default(0),
  explicitlyTrashed: z.boolean().default(false),
  trashedAt: z.number().nullable().default(null),
  shortcutTarget: z.object({ id: z.string(), mimeType: z.string() }).nullable().default(null),
  sharedWith: z.array(z.string()).default([]),
  sharedAt: z.number().nullable().default(null),
  inheritsSharing: z.boolean().default(true),
  source: z.string().nullable().default(null),
  edited: z.boolean().default(false),
  appClient: z.string().nullable().default(null),
})
type FileRecord = z.output<typeof FileRecord>

const DriveRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), version: z.literal(1), firstChange: z.number(), nextSeq: z.number() }),
  z.object({
    kind: z.literal('drive'),
    id: z.string(),
    name: z.string(),
    created: z.number(),
    members: z.array(z.string()),
    change: Change.optional(),
  }),
  z.object({ kind: z.literal('file'), file: FileRecord, change: Change.optional() }),
  z.object({
    kind: z.literal('gone'),
    id: z.string().optional(),
    sources: z.array(z.string()),
    by: z.enum(['disk', 'owner']),
    change: Change.optional(),
  }),
  z.object({ kind: z.literal('change'), change: Change }),
])

/** The number of the first change in stored records; undefined when there are none. Throws when they are not ours. */
export function storedFirstChange(records: readonly unknown[]): number | undefined {
  if (records.length === 0) return undefined
  const begin = DriveRecord.parse(records[0])
  if (begin.kind !== 'begin') throw new Error('The sandbox state is damaged: delete the state folder.')
  return begin.firstChange
}

/** Brings a store that has nothing but the roots of the accounts to where the records end. */
export function restoreDrive(store: DriveStore, records: readonly unknown[]): void {
  const files = new Map<string, FileRecord>()
  let nextSeq = 0
  for (const found of records) {
    const record = DriveRecord.parse(found)
    if (record.kind === 'begin') nextSeq = record.nextSeq
    if (record.kind === 'drive') restoreSharedDrive(store, record)
    if (record.kind === 'file') {
      files.set(record.file.id, record.file)
      nextSeq = Math.max(nextSeq, record.file.seq + 1)
    }
    if (record.kind === 'gone') {
      if (record.id !== undefined) files.delete(record.id)
      for (const source of record.sources) store.deletedSources.set(source, record.by)
    }
    if ('change' in record && record.change !== undefined) store.changes.push(record.change)
  }
  store.reserve(nextSeq)
  restoreFiles(store, files)
}

/** Everything in a store, as records that bring an empty one to the same state. */
export function* allRecords(store: DriveStore): Generator<object> {
  yield { kind: 'begin', version: 1, firstChange: store.changes.first, nextSeq: store.files.length }
  for (const drive of store.drives.values()) yield driveRecord(drive)
  for (const file of store.files) if (file !== undefined) yield { kind: 'file', file: fileRecord(file) }
  for (const [source, by] of store.deletedSources) yield { kind: 'gone', sources: [source], by }
  for (const change of store.changes.all()) yield { kind: 'change', change }
}

/** Writes every mutation of a store into the journal, one line each. */
export function journalRecorder(journal: Journal): DriveRecorder {
  return {
    changed: (file, change) => journal.append({ kind: 'file', file: fileRecord(file), change }),
    removed: (file, sources, by, change) => journal.append({ kind: 'gone', id: file.id, sources, by, change }),
    membership: (drive, change) => journal.append({ ...driveRecord(drive), change }),
  }
}

function restoreSharedDrive(store: DriveStore, record: Omit<SharedDrive, 'root'>): void {
  const known = store.drives.get(record.id)
  if (known === undefined) store.addDrive({ id: record.id, name: record.name, created: record.created, members: record.members })
  else known.members = record.members
}

// A file whose folder is not there any more was deleted with it: that was one record, for the folder.
function restoreFiles(store: DriveStore, records: ReadonlyMap<string, FileRecord>): void {
  const place = (id: string): DriveFile | undefined => {
    const known = store.find(id)
    const record = records.get(id)
    if (known !== undefined || record === undefined) return known
    const parent = place(record.parent)
    if (parent === undefined) return undefined
    const file = newFile({ ...record, parent, owner: parent.owner, drive: parent.drive })
    store.restore(file)
    refreshTrashed(file)
    return file
  }
  for (const id of records.keys()) place(id)
}

function driveRecord({ id, name, created, members }: SharedDrive): object {
  return { kind: 'drive', id, name, created, members }
}

function fileRecord(file: DriveFile): object {
  const { id, seq, name, mimeType, created, modified } = file
  return {
    id,
    seq,
    name,
    mimeType,
    parent: file.parent?.id,
    created,
    modified,
    ...(file.size !== null && { size: file.size }),
    ...(file.version !== 1 && { version: file.version }),
    ...(file.revision !== 1 && { revision: file.revision }),
    ...(file.lastChange !== 0 && { lastChange: file.lastChange }),
    ...(file.explicitlyTrashed && { explicitlyTrashed: true, trashedAt: file.trashedAt }),
    ...(file.shortcutTarget !== null && { shortcutTarget: file.shortcutTarget }),
    ...(file.sharedWith.length > 0 && { sharedWith: file.sharedWith, sharedAt: file.sharedAt }),
    ...(!file.inheritsSharing && { inheritsSharing: false }),
    ...(file.source !== null && { source: file.source }),
    ...(file.edited && { edited: true }),
    ...(file.appClient !== null && { appClient: file.appClient }),
  }
}
