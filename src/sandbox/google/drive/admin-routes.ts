import { Hono } from 'hono'
import type { SandboxClock } from '../../clock.ts'
import { mimeType as typeOf } from '../../mime-types.ts'
import type { SandboxEnv } from '../../provider.ts'
import { pat } from '../accounts.ts'
import { DriveMembership, FileDeletion, FileShare, FileUpdate, NewFile, NewFiles, NewFolder } from '../admin-contract.ts'
import { driveEntries, driveEntry } from './drive-entries.ts'
import { folderType, isFolder, isWithin, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'
import { initialSize } from './edit-files.ts'

const bulkSize = 100

interface Place {
  account?: string | undefined
  parentId?: string | undefined
  parentPath?: string | undefined
}

/** What a person does in Google Drive, without an app in between. A wrong request throws, which the sandbox answers with 400. */
export function driveAdminRoutes(store: DriveStore, clock: SandboxClock): Hono<SandboxEnv> {
  const admin = new Hono<SandboxEnv>()

  admin.get('/files', (c) => c.json(driveEntries(store, c.req.query('account') ?? pat.email)))

  admin.post('/files', async (c) => {
    const { name, mimeType = typeOf(name), size = initialSize(mimeType), ...place } = NewFile.parse(await c.req.json())
    return c.json(entry(addFile(folderAt(place), name, mimeType, size)), 201)
  })
  admin.post('/files/bulk', async (c) => {
    const { count, prefix, ...place } = NewFiles.parse(await c.req.json())
    const folder = folderAt(place)
    const ids = Array.from(
      { length: count },
      (_, index) => addFile(folder, `${prefix}${index + 1}.txt`, 'text/plain', bulkSize).id,
    )
    return c.json({ ids }, 201)
  })
  admin.post('/files/folder', async (c) => {
    const { name, ...place } = NewFolder.parse(await c.req.json())
    return c.json(entry(addFile(folderAt(place), name, folderType, null)), 201)
  })
  admin.post('/files/update', async (c) => {
    const { id, name, parentId, trashed, size } = FileUpdate.parse(await c.req.json())
    const file = find(id)
    const parent = parentId === undefined ? undefined : find(parentId)
    if (parent !== undefined && isWithin(parent, file)) throw new Error('A folder cannot be moved into itself.')
    if (name !== undefined) store.update(file, { name })
    if (size !== undefined) store.update(file, { size, modified: clock.now(), edited: true })
    if (parent !== undefined) store.move(file, parent)
    if (trashed !== undefined) store.setTrashed(file, trashed)
    return c.json(entry(file))
  })
  admin.post('/files/delete', async (c) => {
    store.remove(find(FileDeletion.parse(await c.req.json()).id), 'owner')
    return c.body(null, 204)
  })
  admin.post('/files/share', async (c) => {
    const { id, account, shared } = FileShare.parse(await c.req.json())
    store.share(find(id), account, shared)
    return c.body(null, 204)
  })
  admin.post('/drives/members', async (c) => {
    const { driveId, account, member } = DriveMembership.parse(await c.req.json())
    const drive = store.drives.get(driveId)
    if (drive === undefined) throw new Error(`There is no shared drive ${driveId}.`)
    store.setMember(drive, account, member)
    return c.body(null, 204)
  })
  return admin

  function addFile(parent: DriveFile, name: string, mimeType: string, size: number | null): DriveFile {
    const now = clock.now()
    return store.create({ parent, name, mimeType, size, created: now, modified: now })
  }

  function find(id: string): DriveFile {
    const file = store.find(id)
    if (file === undefined) throw new Error(`There is no file ${id}.`)
    return file
  }

  function folderAt({ account = pat.email, parentId, parentPath = '' }: Place): DriveFile {
    if (parentId !== undefined) return find(parentId)
    return parentPath
      .split('/')
      .filter((name) => name !== '')
      .reduce((folder, name) => {
        const child = folder.children.find((item) => item.name === name && isFolder(item))
        if (child === undefined) throw new Error(`There is no folder ${name} in ${folder.name}.`)
        return child
      }, store.root(account))
  }
}

// As its owner sees it.
function entry(file: DriveFile) {
  return driveEntry(file, file.owner ?? file.drive?.members[0] ?? '')
}
