import type { Folder } from './entries.ts'
import type { FileStore } from './file-store.ts'
import { folderId } from './ids.ts'

const name = 'Rare names'
// Fixed, so that the same extras are there after every start.
const time = Date.UTC(2026, 0, 15, 9, 30)

/** What a tree on disk has no example of: odd names and sizes, several versions, a deleted file and a deleted folder. */
export function mountExtras(store: FileStore, parent: Folder): void {
  if (store.find(folderId(parent.tree.hub, `${parent.id}/${name}`)) !== undefined) return
  const folder = addFolder(store, parent, name)
  const empty = addFile(store, folder, 'Empty 🏗️.dwg', 0)
  addFile(store, folder, 'مخطط الطابق.pdf', 81_920)
  addFile(store, folder, 'Levels 1/2.rvt', 5 * 1024 ** 4, Date.UTC(1969, 6, 20, 20, 17))
  addFile(store, folder, 'Same name.pdf', 1)
  addFile(store, folder, 'Same name.pdf', 2)
  store.addVersion(empty, { size: 4096, modified: time })
  store.remove(addFile(store, folder, 'Withdrawn.pdf', 4096))
  const old = addFolder(store, folder, 'Superseded')
  addFile(store, old, 'Old plan.pdf', 4096)
  store.remove(old)
}

function addFolder(store: FileStore, parent: Folder, folderName: string): Folder {
  return store.createFolder({ parent, name: folderName, created: time, modified: time })
}

function addFile(store: FileStore, parent: Folder, fileName: string, size: number, created = time) {
  return store.createItem({ parent, name: fileName, size, created, modified: created })
}
