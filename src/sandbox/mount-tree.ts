import type { TreeEntry } from './scan-tree.ts'

/** Where a tree on disk is mounted: one provider's files, of which some came from there before. */
export interface MountTarget<Entry> {
  /** What came from disk and is still there, by its path on disk; what is created is added. */
  mounted: Map<string, Entry>
  isFolder(entry: Entry): boolean
  /** False once it is gone, itself or with its folder. */
  isThere(entry: Entry): boolean
  /** Its owner deleted it at the provider: it stays that way. */
  wasDeleted(path: string): boolean
  /** `parent` is null at the top. */
  create(parent: Entry | null, entry: TreeEntry): Entry
  /** What is on disk may have other content now, or the same. */
  refresh(entry: Entry, onDisk: TreeEntry): void
  remove(entry: Entry): void
}

/**
 * Brings a provider's files in line with a tree on disk. What is new is added, what has other content is updated, what is gone is
 * deleted. `copies` above 1 mounts the tree that often, below `copy-1`, `copy-2`, ….
 */
export function mountTree<Entry>(target: MountTarget<Entry>, tree: readonly TreeEntry[], copies: number): void {
  const seen = new Set<string>()
  for (const entry of copiesOf(tree, copies)) {
    seen.add(entry.path)
    mountEntry(target, entry)
  }
  for (const [path, entry] of target.mounted) {
    // Its folder may have been deleted a moment ago, and the file with it.
    if (!seen.has(path) && target.isThere(entry)) target.remove(entry)
  }
}

function mountEntry<Entry>(target: MountTarget<Entry>, entry: TreeEntry): void {
  const { mounted } = target
  const known = mounted.get(entry.path)
  if (known !== undefined && target.isFolder(known) === entry.folder) {
    if (!entry.folder) target.refresh(known, entry)
    return
  }
  if (known !== undefined && target.isThere(known)) target.remove(known)
  if (target.wasDeleted(entry.path)) return
  const end = entry.path.lastIndexOf('/')
  const parent = end === -1 ? null : mounted.get(entry.path.slice(0, end))
  // Its folder was deleted at the provider.
  if (parent === undefined) return
  mounted.set(entry.path, target.create(parent, entry))
}

function* copiesOf(tree: readonly TreeEntry[], copies: number): Generator<TreeEntry> {
  if (copies === 1) return yield* tree
  for (let copy = 1; copy <= copies; copy += 1) {
    const name = `copy-${copy}`
    const time = tree[0]?.modified ?? 0
    yield { path: name, name, folder: true, size: 0, modified: time, created: time }
    for (const entry of tree) yield { ...entry, path: `${name}/${entry.path}` }
  }
}
