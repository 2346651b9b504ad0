import type { DemoFactory } from '../demo.ts'
import { googleSandbox, type GoogleSandbox } from './client.ts'

/** Drive, with a scratch folder whose files are changed. */
export const createDemo: DemoFactory = (sandboxUrl) => {
  const google = googleSandbox(sandboxUrl)
  return {
    provider: 'google-drive',
    endpointType: 'google_drive',
    config: () => Promise.resolve({}),
    files: () => google.files(),
    prepareChanges: async () => {
      const scratch = await fillScratch(google)
      return () => changeScratch(google, scratch)
    },
    expectedChanges: { pass: 'changes', requests: 1, inserted: 2, updated: 2, deleted: 2 },
  }
}

interface Scratch {
  folderId: string
  subfolderId: string
  fileIds: [string, string, string, string]
}

async function fillScratch(google: GoogleSandbox): Promise<Scratch> {
  const folder = await google.createFolder({ name: `scratch ${new Date().toISOString()}` })
  const subfolder = await google.createFolder({ name: 'archive', parentId: folder.id })
  const addFile = async (name: string): Promise<string> => (await google.createFile({ name, parentId: folder.id, size: 1024 })).id
  const fileIds: Scratch['fileIds'] = [
    await addFile('plan.pdf'),
    await addFile('budget.xlsx'),
    await addFile('notes.txt'),
    await addFile('site.jpg'),
  ]
  return { folderId: folder.id, subfolderId: subfolder.id, fileIds }
}

/** Adds two files, renames one, moves one, trashes one and deletes one. */
async function changeScratch(google: GoogleSandbox, scratch: Scratch): Promise<void> {
  const [renamed, moved, trashed, deleted] = scratch.fileIds
  await google.createFile({ name: 'minutes.txt', parentId: scratch.folderId, size: 10 })
  await google.createFile({ name: 'photo.png', parentId: scratch.subfolderId, size: 20 })
  await google.updateFile({ id: renamed, name: 'plan v2.pdf' })
  await google.updateFile({ id: moved, parentId: scratch.subfolderId })
  await google.updateFile({ id: trashed, trashed: true })
  await google.deleteFile(deleted)
}
