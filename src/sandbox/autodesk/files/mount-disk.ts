import { mountTree } from '../../mount-tree.ts'
import type { TreeEntry } from '../../scan-tree.ts'
import type { Entry, Folder } from './entries.ts'
import type { FileStore } from './file-store.ts'

/** Brings a folder in line with a tree on disk; what was renamed, moved or deleted at Autodesk stays that way. */
export function mountDisk(store: FileStore, root: Folder, tree: readonly TreeEntry[], copies: number): void {
  const mounted = new Map<string, Entry>()
  const deleted = new Set<string>()
  for (const entry of store.entries()) {
    if (entry.source === null) continue
    if (entry.deletedBy === 'person') deleted.add(entry.source)
    else if (!entry.hidden) mounted.set(entry.source, entry)
  }
  const target = {
    mounted,
    isFolder: (entry: Entry) => entry.kind === 'folders',
    isThere: (entry: Entry) => !entry.hidden,
    wasDeleted: (path: string) => deleted.has(path),
    create: (parent: Entry | null, { path, name, folder, size, created, modified }: TreeEntry): Entry => {
      const place = { parent: parent?.kind === 'folders' ? parent : root, name, created, modified, source: path }
      return folder ? store.createFolder(place) : store.createItem({ ...place, size, stamp: `${size}/${modified}` })
    },
    refresh: (entry: Entry, { size, modified }: TreeEntry) => {
      const stamp = `${size}/${modified}`
      if (entry.kind === 'items' && entry.stamp !== stamp) store.addVersion(entry, { size, modified, stamp })
    },
    remove: (entry: Entry) => store.remove(entry, 'disk'),
  }
  mountTree(target, tree, copies)
}
