import { timestamp, type SandboxClock } from '../../clock.ts'
import { mimeType } from '../../mime-types.ts'
import type { NewSandboxFile, SandboxFile, SandboxFileControl } from '../../provider.ts'
import { findAccount, kim, pat } from '../accounts.ts'
import { audience, canRead } from './access.ts'
import { folderType, isFolder, isWithin, walk, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'

/**
 * Google's files, for endpoints of the type `google_drive`. A tree belongs to somebody else, who shares a folder around it with the
 * account: that is how an account loses sight of files that go on to exist.
 */
export function driveFileControl(store: DriveStore, clock: SandboxClock): SandboxFileControl {
  return {
    createTree(account, name) {
      if (findAccount(account) === undefined) throw new Error(`Google has no account ${account}.`)
      const { id } = add(sharedFolder(account), { name, folder: true })
      return { config: { folder_id: id }, rootId: id }
    },
    addFolders(parentId, names) {
      const parent = findFolder(parentId)
      return names.map((name) => add(parent, { name, folder: true }).id)
    },
    addFiles(parentId, files) {
      const parent = findFolder(parentId)
      return files.map((file) => add(parent, file).id)
    },
    rename: (id, name) => store.update(find(id), { name }),
    move(id, parentId) {
      const file = find(id)
      const parent = findFolder(parentId)
      if (isWithin(parent, file)) throw new Error('A folder cannot be moved into itself.')
      store.move(file, parent)
    },
    trash: (id) => store.setTrashed(find(id), true),
    restore: (id) => store.setTrashed(find(id), false),
    remove: (id) => store.remove(find(id), 'owner'),
    setVisible: (id, visible) => store.inheritSharing(find(id), visible),
    list(rootId) {
      const root = findFolder(rootId)
      const [account] = audience(root)
      return account === undefined ? [] : filesBelow(root, account)
    },
  }

  /** The folder that somebody else shares with the account. */
  function sharedFolder(account: string): DriveFile {
    const owner = store.root((account === kim.email ? pat : kim).email)
    const name = `For ${account}`
    const known = owner.children.find((file) => file.name === name && isFolder(file) && !file.trashed)
    if (known !== undefined) return known
    const folder = add(owner, { name, folder: true })
    store.share(folder, account, true)
    return folder
  }

  function add(parent: DriveFile, { name, size = 0, created, modified, folder }: NewSandboxFile & { folder?: true }): DriveFile {
    const made = created === undefined ? clock.now() : Date.parse(created)
    return store.create({
      parent,
      name,
      mimeType: folder ? folderType : mimeType(name),
      size: folder ? null : size,
      created: made,
      modified: modified === undefined ? made : Date.parse(modified),
    })
  }

  function find(id: string): DriveFile {
    const file = store.find(id)
    // The root of a Drive is nobody's to rename or to delete.
    if (file === undefined || file.parent === null) throw new Error(`There is no file ${id}.`)
    return file
  }

  function findFolder(id: string): DriveFile {
    const folder = find(id)
    if (!isFolder(folder)) throw new Error(`${id} is not a folder.`)
    return folder
  }
}

function filesBelow(root: DriveFile, account: string): SandboxFile[] {
  const files: SandboxFile[] = []
  const paths = new Map([[root, '']])
  walk(root, (file) => {
    if (file === root || file.trashed || !canRead(file, account)) return
    const path = `${file.parent === null ? '' : (paths.get(file.parent) ?? '')}/${file.name}`
    paths.set(file, path)
    const { id, size, created, modified } = file
    if (!isFolder(file)) files.push({ id, path, size, created: timestamp(created), modified: timestamp(modified) })
  })
  return files
}
