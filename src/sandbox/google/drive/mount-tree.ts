import { mimeType } from '../../mime-types.ts'
import type { TreeEntry } from '../../scan-tree.ts'
import { folderType, isFolder, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'

/**
 * Brings a My Drive in line with a tree on disk. What is new is added, what has other content is updated, what is gone is deleted;
 * what was renamed, moved or deleted in Drive stays that way. `copies` above 1 mounts the tree that often, below `copy-1`, `copy-2`, ….
 */
export function mountTree(store: DriveStore, root: DriveFile, tree: readonly TreeEntry[], copies: number): void {
  const mounted = new Map<string, DriveFile>()
  for (const file of store.files) if (file !== undefined && file.source !== null) mounted.set(file.source, file)
  const seen = new Set<string>()
  for (const entry of copiesOf(tree, copies)) {
    seen.add(entry.path)
    mountEntry(store, root, mounted, entry)
  }
  for (const [source, file] of mounted) {
    // Its folder may have been deleted a moment ago, and the file with it.
    if (!seen.has(source) && store.find(file.id) === file) store.remove(file, 'disk')
  }
}

function mountEntry(store: DriveStore, root: DriveFile, mounted: Map<string, DriveFile>, entry: TreeEntry): void {
  const known = mounted.get(entry.path)
  if (known !== undefined && isFolder(known) === entry.folder) {
    const same = known.edited || entry.folder || (known.size === entry.size && known.modified === entry.modified)
    if (!same) store.update(known, { size: entry.size, modified: entry.modified })
    return
  }
  if (known !== undefined && store.find(known.id) === known) store.remove(known, 'disk')
  if (store.deletedSources.get(entry.path) === 'owner') return
  const end = entry.path.lastIndexOf('/')
  const parent = end === -1 ? root : mounted.get(entry.path.slice(0, end))
  // Its folder was deleted in Drive.
  if (parent === undefined) return
  const file = store.create({
    parent,
    name: entry.name,
    mimeType: entry.folder ? folderType : mimeType(entry.name),
    size: entry.folder ? null : entry.size,
    created: entry.created,
    modified: entry.modified,
    source: entry.path,
  })
  mounted.set(entry.path, file)
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
