import type { Hub, Person, Project } from '../directory.ts'

/** The files of one project. */
export interface ProjectTree {
  project: Project
  hub: Hub
  /** Whose project it is; the control's `setVisible` is about this person. */
  owner: Person
  /** Above what people see. Its children are the top folders. */
  root: Folder
}

export type Entry = Folder | Item

interface EntryBase {
  id: string
  /** The order in which entries were made, which is that of listings. */
  seq: number
  tree: ProjectTree
  name: string
  /** Milliseconds since the epoch. */
  created: number
  modified: number
  /** Deleted: nothing ever goes for good. */
  hidden: boolean
  /** By account: may see it and what is below it, or may not. Null: as its folder. */
  access: Map<string, boolean> | null
  /** Its path on disk, when it comes from there. */
  source: string | null
  /** Who deleted it: what is gone from disk may come back. */
  deletedBy: 'disk' | 'person' | null
}

export interface Folder extends EntryBase {
  kind: 'folders'
  parent: Folder | null
  /** In the order of `seq`. */
  children: Entry[]
  /** Made by Autodesk for itself: administrators alone see it. */
  system: boolean
  /** When anything below it was last modified. */
  rollup: number
  /** The children by what a listing wants of them; emptied when they change. */
  lists: Map<string, readonly Entry[]>
}

export interface Item extends EntryBase {
  kind: 'items'
  parent: Folder
  /** From the first on. */
  versions: Version[]
  /** Size and time of what it was made from, where that is a file on disk. */
  stamp: string | null
}

export interface Version {
  /** Of the file; a UUID for the version that says that the item is deleted. */
  name: string
  /** Null: not said. */
  size: number | null
  created: number
  modified: number
  deleted: boolean
}

export function newFolder(given: Pick<Folder, 'id' | 'seq' | 'tree' | 'name' | 'parent' | 'created'> & Partial<Folder>): Folder {
  const { created } = given
  const usual = { modified: created, rollup: created, hidden: false, access: null, source: null, deletedBy: null, system: false }
  return { kind: 'folders', ...usual, children: [], lists: new Map(), ...given }
}

export function newItem(
  given: Pick<Item, 'id' | 'seq' | 'tree' | 'name' | 'parent' | 'created' | 'versions'> & Partial<Item>,
): Item {
  const usual = { modified: given.created, hidden: false, access: null, source: null, deletedBy: null, stamp: null }
  return { kind: 'items', ...usual, ...given }
}

/** The newest version. */
export function tipOf(item: Item): Version {
  const tip = item.versions.at(-1)
  if (tip === undefined) throw new Error(`The item ${item.id} has no version.`)
  return tip
}

/** The newest version that has content. */
export function contentOf(item: Item): Version {
  return item.versions.findLast(({ deleted }) => !deleted) ?? tipOf(item)
}

export function addChild(folder: Folder, child: Entry): void {
  folder.children.splice(positionAfter(folder.children, child.seq), 0, child)
  folder.lists.clear()
}

export function removeChild(folder: Folder, child: Entry): void {
  const index = positionAfter(folder.children, child.seq) - 1
  if (folder.children[index] === child) folder.children.splice(index, 1)
  folder.lists.clear()
}

/** The folders that an entry is in, the innermost first. */
export function* foldersAbove(entry: Entry): Generator<Folder> {
  for (let at = entry.parent; at !== null; at = at.parent) yield at
}

/** True when `entry` is `folder` or somewhere below it. */
export function isWithin(entry: Entry, folder: Folder): boolean {
  return entry === folder || foldersAbove(entry).some((each) => each === folder)
}

/** The children that a listing shows; folders come before items. */
export function listChildren(
  folder: Folder,
  { type, hidden }: { type?: Entry['kind'] | undefined; hidden: boolean },
): readonly Entry[] {
  const key = `${type ?? ''}/${hidden}`
  const known = folder.lists.get(key)
  if (known !== undefined) return known
  const shown = folder.children.filter((child) => hidden || !child.hidden)
  const kinds = type === undefined ? (['folders', 'items'] as const) : [type]
  const list = kinds.flatMap((kind) => shown.filter((child) => child.kind === kind))
  folder.lists.set(key, list)
  return list
}

function positionAfter(entries: readonly Entry[], seq: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.seq ?? Infinity) <= seq) low = middle + 1
    else high = middle
  }
  return low
}
