import { mimeType } from '../../mime-types.ts'
import { mountTree as mount } from '../../mount-tree.ts'
import type { TreeEntry } from '../../scan-tree.ts'
import { folderType, isFolder, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'

/** Brings a My Drive in line with a tree on disk; what was renamed, moved or deleted in Drive stays that way. */
export function mountTree(store: DriveStore, root: DriveFile, tree: readonly TreeEntry[], copies: number): void {
  const mounted = new Map<string, DriveFile>()
  for (const file of store.files) if (file !== undefined && file.source !== null) mounted.set(file.source, file)
  const target = {
    mounted,
    isFolder,
    isThere: (file: DriveFile) => store.find(file.id) === file,
    wasDeleted: (path: string) => store.deletedSources.get(path) === 'owner',
    create: (parent: DriveFile | null, entry: TreeEntry) => createFile(store, parent ?? root, entry),
    refresh: (file: DriveFile, { size, modified }: TreeEntry) => {
      const same = file.edited || (file.size === size && file.modified === modified)
      if (!same) store.update(file, { size, modified })
    },
    remove: (file: DriveFile) => store.remove(file, 'disk'),
  }
  mount(target, tree, copies)
}

function createFile(store: DriveStore, parent: DriveFile, entry: TreeEntry): DriveFile {
  return store.create({
    parent,
    name: entry.name,
    mimeType: entry.folder ? folderType : mimeType(entry.name),
    size: entry.folder ? null : entry.size,
    created: entry.created,
    modified: entry.modified,
    source: entry.path,
  })
}
