import { expect } from 'vitest'
import type { FileScenario } from '../../file-scene.ts'

/** Enough for many pages anywhere. */
const many = 10_000

export const changing: readonly FileScenario[] = [
  {
    name: 'a file that is added comes, at any depth',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.begin()
      await place.addFile('new.pdf')
      await place.addFile('new.pdf', folders.details)
      const deep = await place.addFolder('Inner', await place.addFolder('Outer', folders.archive))
      await place.addFile('new.pdf', deep)
      await place.expectFollowed({ inserted: 3 })
    },
  },
  {
    name: 'a file that is renamed keeps its row',
    play: async (place) => {
      const { files } = await place.plant()
      await place.begin()
      await place.files.rename(files['c.pdf']!, 'renamed.dwg')
      await place.expectFollowed({ updated: 1 })
      expect(await place.names()).toContain('renamed.dwg')
    },
  },
  {
    name: 'a folder that is renamed renames the paths in it',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.begin()
      await place.files.rename(folders.plans, 'Drawings')
      await place.expectFollowed({ updated: 4 })
      await place.files.rename(folders.details, 'Views')
      await place.expectFollowed({ updated: 2 })
    },
  },
  {
    name: 'a file that is moved keeps its row',
    play: async (place) => {
      const { folders, files } = await place.plant()
      await place.begin()
      await place.files.move(files['c.pdf']!, folders.archive)
      await place.expectFollowed({ updated: 1 })
      await place.files.move(files['c.pdf']!, place.rootId)
      await place.expectFollowed({ updated: 1 })
    },
  },
  {
    name: 'a folder that is moved takes its files along',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.begin()
      await place.files.move(folders.details, folders.archive)
      await place.expectFollowed({ updated: 2 })
      // Into one that nobody has read yet, and with what came meanwhile.
      const fresh = await place.addFolder('Fresh')
      await place.addFile('new.pdf', folders.details)
      await place.files.move(folders.archive, fresh)
      await place.expectFollowed({ updated: 3, inserted: 1 })
    },
  },
  {
    name: `a folder of ${many} files that is moved takes them along`,
    play: async (place) => {
      const { folders } = await place.plant()
      const full = await place.addFolder('Full', folders.plans)
      await place.addFiles(many, full)
      // Not kept for later: it is much.
      const runtime = place.scene.runtimeWith({ fetch })
      await place.begin({}, { runtime })
      const ids = await rowIds(place, full)
      await place.files.move(full, folders.archive)
      expect(await place.syncToEnd({ runtime })).toEqual({ inserted: 0, updated: many, deleted: 0 })
      await place.expectEqual()
      expect(await rowIds(place, full)).toEqual(ids)
    },
  },
  {
    name: 'a file in the trash goes, and comes back',
    play: async (place) => {
      const { files } = await place.plant()
      await place.begin()
      await place.files.trash(files['c.pdf']!)
      await place.expectFollowed({ deleted: 1 })
      await place.files.restore(files['c.pdf']!)
      await place.expectFollowed({ inserted: 1 })
    },
  },
  {
    name: 'a folder in the trash takes its files along, and brings them back',
    play: async (place) => {
      const { folders, files } = await place.plant()
      await place.begin()
      await place.files.trash(folders.plans)
      await place.expectFollowed({ deleted: 4 })
      // What happens to files that are in the trash with their folder.
      await place.files.rename(files['a.pdf']!, 'renamed.pdf')
      await place.expectFollowed({})
      await place.files.restore(folders.plans)
      await place.expectFollowed({ inserted: 4 })
    },
  },
  {
    name: 'files and folders that are deleted go, and nothing else',
    play: async (place) => {
      const { folders, files } = await place.plant()
      await place.begin()
      await place.files.remove(files['e.pdf']!)
      await place.expectFollowed({ deleted: 1 })
      await place.files.remove(folders.details)
      await place.expectFollowed({ deleted: 2 })
    },
  },
  {
    name: 'what is closed to the account goes, and comes back with its permission',
    play: async (place) => {
      const { folders, files } = await place.plant()
      await place.begin()
      await place.files.setVisible(folders.plans, false)
      await place.expectFollowed({ deleted: 4 })
      await place.files.setVisible(folders.plans, true)
      await place.expectFollowed({ inserted: 4 })
      await place.files.setVisible(files['c.pdf']!, false)
      await place.expectFollowed({ deleted: 1 })
      await place.files.setVisible(files['c.pdf']!, true)
      await place.expectFollowed({ inserted: 1 })
    },
  },
  {
    name: 'many changes between two runs end in what is there',
    play: async (place) => {
      const { folders, files } = await place.plant()
      await place.begin()
      // Out of a folder that goes, under a name that another has given up, into one that comes.
      await place.files.move(files['c.pdf']!, folders.archive)
      await place.files.trash(folders.details)
      await place.files.rename(files['e.pdf']!, 'f.pdf')
      await place.files.rename(files['c.pdf']!, 'e.pdf')
      const fresh = await place.addFolder('Fresh', folders.archive)
      await place.files.move(folders.plans, fresh)
      await place.files.rename(fresh, 'Renamed')
      await place.addFile('new.pdf', folders.plans)
      // There and gone again.
      await place.files.remove(await place.addFile('short.pdf', folders.archive))
      await place.expectFollowed({ inserted: 1, updated: 4, deleted: 1 })
    },
  },
]

/** The rows of a folder's files, by their own ids. */
async function rowIds({ sql, endpointId }: Parameters<FileScenario['play']>[0], folderId: string): Promise<unknown[]> {
  return [
    ...(await sql`
      select id from public.files where endpoint_id = ${endpointId}::uuid and external_parent_id = ${folderId} order by id`),
  ]
}
