import { timestamp, type SandboxClock } from '../../clock.ts'
import type { SandboxFile, SandboxFileControl } from '../../provider.ts'
import { canSee } from './access.ts'
import { contentOf, listChildren, type Entry, type Folder } from './entries.ts'
import type { FileStore } from './file-store.ts'

/** The files of Autodesk Construction Cloud. A tree is a project; what is deleted stays as a hidden item. */
export function fileControl(store: FileStore, clock: SandboxClock): SandboxFileControl {
  return {
    createTree(account, name) {
      const tree = store.createProject(account, name)
      return { config: { project_id: tree.project.id, hub_id: tree.hub.id }, rootId: store.projectFiles(tree).id }
    },
    addFolders(parentId, names) {
      const parent = findFolder(parentId)
      const now = clock.now()
      return names.map((name) => store.createFolder({ parent, name, created: now, modified: now }).id)
    },
    addFiles(parentId, files) {
      const parent = findFolder(parentId)
      return files.map(({ name, size = 0, created, modified }) => {
        const made = created === undefined ? clock.now() : Date.parse(created)
        const changed = modified === undefined ? made : Date.parse(modified)
        return store.createItem({ parent, name, size, created: made, modified: changed }).id
      })
    },
    rename: (id, name) => store.rename(find(id), name),
    move: (id, parentId) => store.move(find(id), findFolder(parentId)),
    trash: (id) => store.remove(find(id)),
    restore: (id) => store.undelete(find(id)),
    remove: (id) => store.remove(find(id)),
    setVisible(id, visible) {
      const entry = find(id)
      const { name } = entry.tree.owner.account
      const { parent } = entry
      // Opened again, it is as its folder, and is closed with it. What is opened in a closed folder stays open.
      const asItsFolder = visible && parent !== null && parent.parent !== null && canSee(parent, name)
      store.setAccess(entry, name, asItsFolder ? null : visible)
    },
    list: (rootId) => [...filesBelow(findFolder(rootId), '')],
  }

  function find(id: string): Entry {
    const entry = store.find(id)
    if (entry === undefined || entry.parent === null) throw new Error(`Autodesk has no file or folder ${id}.`)
    return entry
  }

  function findFolder(id: string): Folder {
    const entry = find(id)
    if (entry.kind !== 'folders') throw new Error(`${id} is not a folder.`)
    return entry
  }
}

/** As the owner of the project sees them. Paths are joined from names as they are. */
function* filesBelow(folder: Folder, path: string): Generator<SandboxFile> {
  const account = folder.tree.owner.account.name
  if (folder.hidden || !canSee(folder, account)) return
  for (const entry of listChildren(folder, { hidden: false })) {
    const { name } = entry
    if (entry.kind === 'folders') yield* filesBelow(entry, `${path}/${name}`)
    else if (canSee(entry, account)) {
      const { size } = contentOf(entry)
      const times = { created: timestamp(entry.created), modified: timestamp(entry.modified) }
      yield { id: entry.id, path: `${path}/${name}`, size, ...times }
    }
  }
}
