import { z } from 'zod'
import type { Journal } from '../../journal.ts'
import { newFolder, newItem, tipOf, type Entry, type Folder, type Item } from './entries.ts'
import type { FileStore, MadeProject } from './file-store.ts'

const Version = z.object({
  name: z.string(),
  size: z.number().nullable(),
  created: z.number(),
  modified: z.number(),
  deleted: z.boolean().default(false),
})
// What is usual is left out of the line, and comes back as the default.
const entry = {
  id: z.string(),
  seq: z.number(),
  project: z.string(),
  parent: z.string(),
  name: z.string(),
  created: z.number(),
  modified: z.number(),
  hidden: z.boolean().default(false),
  access: z.array(z.tuple([z.string(), z.boolean()])).optional(),
  source: z.string().nullable().default(null),
  deletedBy: z.enum(['disk', 'person']).nullable().default(null),
}
const FolderRecord = z.object({ kind: z.literal('folders'), ...entry })
const ItemRecord = z.object({
  kind: z.literal('items'),
  ...entry,
  /** Of an item with one version and no history. */
  size: z.number().nullable().default(0),
  versions: z.array(Version).optional(),
  stamp: z.string().nullable().default(null),
})
const ProjectRecord = z.object({
  kind: z.literal('project'),
  account: z.string(),
  hub: z.string(),
  id: z.string(),
  name: z.string(),
  type: z.enum(['ACC', 'BIM360']),
})
/** Whether someone may see a top folder: these are there by themselves. */
const AccessRecord = z.object({
  kind: z.literal('access'),
  project: z.string(),
  id: z.string(),
  access: z.array(z.tuple([z.string(), z.boolean()])),
})
const FileRecord = z.discriminatedUnion('kind', [ProjectRecord, FolderRecord, ItemRecord, AccessRecord])
type EntryRecord = z.output<typeof FolderRecord> | z.output<typeof ItemRecord>

/** Brings a store that has nothing to where the records end. Throws when one is damaged. */
export function restoreFiles(store: FileStore, records: readonly unknown[]): void {
  const entries = new Map<string, EntryRecord>()
  const access: z.output<typeof AccessRecord>[] = []
  for (const found of records) {
    const record = FileRecord.parse(found)
    if (record.kind === 'project') store.restoreProject(record)
    // Those that were only there to fill a list are not kept.
    else if (store.tree(record.project) === undefined) continue
    else if (record.kind === 'access') access.push(record)
    else entries.set(record.id, record)
  }
  const place = (id: string): Entry => {
    const record = entries.get(id)
    const known = store.find(id)
    if (known !== undefined || record === undefined) return known ?? damaged()
    const parent = place(record.parent)
    const made = parent.kind === 'folders' ? entryOf(record, parent) : damaged()
    store.restore(made)
    return made
  }
  for (const id of entries.keys()) place(id)
  for (const { id, access: words } of access) {
    for (const [account, visible] of words) store.setAccess(store.find(id) ?? damaged(), account, visible)
  }
}

/** All that was made or altered, as records that bring an empty store to the same state. */
export function* allRecords(store: FileStore): Generator<object> {
  for (const project of store.madeProjects) yield projectRecord(project)
  for (const each of store.entries()) if (!isFixed(each) || each.access !== null) yield recordOf(each)
}

/** Writes every mutation of a store into the journal, one line each. */
export function journalRecorder(journal: Journal) {
  return {
    made: (project: MadeProject) => journal.append(projectRecord(project)),
    changed: (entry: Entry) => journal.append(recordOf(entry)),
  }
}

function projectRecord(project: MadeProject): object {
  return { kind: 'project', ...project }
}

function recordOf(each: Entry): object {
  const { kind, id, seq, tree, name, created, modified } = each
  const access = each.access === null ? {} : { access: [...each.access] }
  if (isFixed(each)) return { kind: 'access', project: tree.project.id, id, ...access }
  return {
    kind,
    id,
    seq,
    project: tree.project.id,
    parent: each.parent?.id,
    name,
    created,
    modified,
    ...(each.hidden && { hidden: true, deletedBy: each.deletedBy }),
    ...access,
    ...(each.source !== null && { source: each.source }),
    ...(each.kind === 'items' && contentRecord(each)),
  }
}

function contentRecord(item: Item): object {
  const { versions, name, created, modified, stamp } = item
  const tip = tipOf(item)
  const plain = versions.length === 1 && tip.name === name && tip.created === created && tip.modified === modified
  return { ...(plain ? { size: tip.size } : { versions }), ...(stamp !== null && { stamp }) }
}

function entryOf(record: EntryRecord, parent: Folder): Entry {
  const given = { ...record, parent, tree: parent.tree, access: record.access === undefined ? null : new Map(record.access) }
  if (given.kind === 'folders') return newFolder(given)
  const { size, versions, ...item } = given
  const { name, created, modified } = item
  return newItem({ ...item, versions: versions ?? [{ name, size, created, modified, deleted: false }] })
}

/** Roots and top folders follow from their project. */
function isFixed({ seq }: Entry): boolean {
  return seq < 0
}

function damaged(): never {
  throw new Error('The sandbox state is damaged: delete the state folder.')
}
