import { sandboxClient, type SandboxFilesClient } from '../client.ts'
import type { DemoEntry, DemoFactory } from '../demo.ts'
import { autodeskSandbox } from './client.ts'

const endpointType = 'autodesk_construction_cloud'

/** A project of Autodesk Construction Cloud, with a scratch folder whose files are changed. */
export const createDemo: DemoFactory = (sandboxUrl) => {
  const autodesk = autodeskSandbox(sandboxUrl)
  const files = sandboxClient(sandboxUrl).files(endpointType)
  return {
    provider: 'autodesk',
    endpointType,
    config: async () => (await autodesk.firstProject()).config,
    files: async () => (await files.list((await autodesk.firstProject()).rootId)).map(demoEntry),
    prepareChanges: async () => {
      const scratch = await fillScratch(files, (await autodesk.firstProject()).rootId)
      return () => changeScratch(files, scratch)
    },
    // No change feed: webhooks name what to fetch, and a listing of the whole project finds what they have not.
    expectedChanges: { pass: null, requests: null, inserted: 2, updated: 2, deleted: 1 },
  }
}

/** The endpoint covers all top folders, so that its paths begin with this one. */
function demoEntry({ id, path, size }: { id: string; path: string; size: number | null }): DemoEntry {
  return { id, path: `/Project Files${path}`, size, isFolder: false, trashed: false, driveId: null }
}

interface Scratch {
  folderId: string
  subfolderId: string
  fileIds: readonly string[]
}

async function fillScratch(files: SandboxFilesClient, rootId: string): Promise<Scratch> {
  const [folderId = ''] = await files.addFolders(rootId, [`scratch ${new Date().toISOString()}`])
  const [subfolderId = ''] = await files.addFolders(folderId, ['archive'])
  const names = ['A-101.pdf', 'Structure.rvt', 'Site.dwg']
  const fileIds = await files.addFiles(
    folderId,
    names.map((name) => ({ name, size: 1024 })),
  )
  return { folderId, subfolderId, fileIds }
}

/** Adds two files, renames one, moves one and deletes one. */
async function changeScratch(files: SandboxFilesClient, { folderId, subfolderId, fileIds }: Scratch): Promise<void> {
  const [renamed = '', moved = '', deleted = ''] = fileIds
  await files.addFiles(folderId, [{ name: 'Minutes.docx', size: 10 }])
  await files.addFiles(subfolderId, [{ name: 'Photo.jpg', size: 20 }])
  await files.rename(renamed, 'A-101 rev B.pdf')
  await files.move(moved, subfolderId)
  await files.trash(deleted)
}
