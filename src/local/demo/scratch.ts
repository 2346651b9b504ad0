import type { SandboxClient } from '../../sandbox/client.ts'

/** What the scratch folder's changes must come to. */
export const expectedChanges = { inserted: 2, updated: 2, deleted: 2 } as const

interface Scratch {
  folderId: string
  subfolderId: string
  /** Six files. */
  fileIds: string[]
}

/** The person puts a few files into a new folder of their Drive. */
export async function fillScratch(sandbox: SandboxClient): Promise<Scratch> {
  const drive = sandbox.google.drive
  const folder = await drive.createFolder({ name: `scratch ${new Date().toISOString()}` })
  const subfolder = await drive.createFolder({ name: 'archive', parentId: folder.id })
  const fileIds: string[] = []
  for (const name of ['plan.pdf', 'budget.xlsx', 'notes.txt', 'site.jpg', 'model.rvt', 'contract.docx']) {
    fileIds.push((await drive.createFile({ name, parentId: folder.id, size: 1024 })).id)
  }
  return { folderId: folder.id, subfolderId: subfolder.id, fileIds }
}

/** The person adds two files, renames one, moves one, trashes one and deletes one. */
export async function changeScratch(sandbox: SandboxClient, scratch: Scratch): Promise<void> {
  const drive = sandbox.google.drive
  const [renamed, moved, trashed, deleted] = scratch.fileIds
  await drive.createFile({ name: 'minutes.txt', parentId: scratch.folderId, size: 10 })
  await drive.createFile({ name: 'photo.png', parentId: scratch.subfolderId, size: 20 })
  await drive.update({ id: renamed!, name: 'plan v2.pdf' })
  await drive.update({ id: moved!, parentId: scratch.subfolderId })
  await drive.update({ id: trashed!, trashed: true })
  await drive.remove({ id: deleted! })
}
