import { kim, pat, serviceAccount } from '../accounts.ts'
import { mimeType } from '../../mime-types.ts'
import { folderType, isFolder, shortcutType, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'
import { rootId } from './ids.ts'

const documentType = 'application/vnd.google-apps.document'
const opsId = rootId('drive/Ops')
const sampleSize = 6
// Fixed, so that the same extras are there after every start.
const time = Date.UTC(2026, 0, 15, 9, 30)

/** What a tree on disk has no example of: a shared drive, a shortcut, Google Docs, and files that someone else shares. */
export function mountExtras(store: DriveStore): void {
  if (store.drives.has(opsId)) return
  const root = store.root(pat.email)
  const samples = firstFiles(store)

  const ops = store.addDrive({ id: opsId, name: 'Ops', created: time, members: [pat.email, serviceAccount.email] })
  const archive = addFolder(store, ops.root, 'Archive')
  samples.forEach((sample, index) => {
    const { name, size, created, modified } = sample
    store.create({ parent: index % 2 === 0 ? ops.root : archive, name, mimeType: sample.mimeType, size, created, modified })
  })

  addFile(store, root, 'Meeting notes', 1024, documentType)
  // Older documents have no size.
  addFile(store, root, 'Project plan', null, documentType)
  const target = samples[0]
  if (target !== undefined) {
    store.create({
      parent: root,
      name: target.name,
      mimeType: shortcutType,
      size: null,
      created: time,
      modified: time,
      shortcutTarget: { id: target.id, mimeType: target.mimeType },
    })
  }

  const kims = store.root(kim.email)
  const folder = addFolder(store, kims, 'Site photos')
  addFile(store, folder, 'north.jpg', 48_213)
  addFile(store, folder, 'south.jpg', 51_907)
  store.share(folder, pat.email, true)
  store.share(addFile(store, kims, 'Invoice 1042.pdf', 9_120), pat.email, true)
}

function firstFiles(store: DriveStore): DriveFile[] {
  const files = store.files.slice(0, 1000).filter((file) => file !== undefined)
  return files.filter((file) => file.source !== null && !isFolder(file)).slice(0, sampleSize)
}

function addFolder(store: DriveStore, parent: DriveFile, name: string): DriveFile {
  return store.create({ parent, name, mimeType: folderType, size: null, created: time, modified: time })
}

function addFile(store: DriveStore, parent: DriveFile, name: string, size: number | null, type = mimeType(name)): DriveFile {
  return store.create({ parent, name, mimeType: type, size, created: time, modified: time })
}
