import { expect } from 'vitest'
import type { FileScenario, FileScene } from '../../file-scene.ts'

const names = ['a.pdf', 'B.PDF', 'plan-1.dwg', 'plan-2.dwg', 'photo.png', 'pdf', 'noextension', '.pdf.bak']

export const choosing: readonly FileScenario[] = [
  {
    name: 'file_types keeps files by extension or by pattern, and follows a change of it',
    play: async (place) => {
      await begin(place, ['pdf'])
      expect(await place.names()).toEqual(['B.PDF', 'a.pdf'])
      await expectKept(place, ['pdf', 'plan-*.dwg'], ['B.PDF', 'a.pdf', 'plan-1.dwg', 'plan-2.dwg'])
      await expectKept(place, ['*-2.*', 'known.{txt,md}'], ['known.txt', 'plan-2.dwg'])
      await expectKept(place, ['nothing'], [])
      await expectKept(place, ['*'], [...names, 'known.txt'])
    },
  },
  {
    name: 'file_types keeps files by MIME type',
    play: async (place) => {
      await begin(place, ['*'])
      const types = await mimeTypes(place)
      if (types.every(({ mime }) => mime === null)) return 'its files have no MIME types'
      const images = types.filter(({ mime }) => mime?.startsWith('image/')).map(({ name }) => name)
      expect(images).toContain('photo.png')
      expect(images.length).toBeLessThan(types.length)
      await expectKept(place, ['image/*'], images)
      await expectKept(place, ['application/pdf', 'text/plain'], ['B.PDF', 'a.pdf', 'known.txt'])
    },
  },
  {
    name: 'a file that file_types no longer fits goes, one that fits now comes',
    play: async (place) => {
      const ids = await begin(place, ['pdf'])
      await place.files.rename(ids[0]!, 'a.dwg')
      await place.files.rename(ids[2]!, 'plan-1.pdf')
      expect(await place.syncToEnd()).toEqual({ inserted: 1, updated: 0, deleted: 1 })
      expect(await place.names()).toEqual(['B.PDF', 'plan-1.pdf'])
    },
  },
]

async function begin(place: FileScene, fileTypes: string[]): Promise<string[]> {
  const ids = await place.files.addFiles(
    place.rootId,
    names.map((name) => ({ name })),
  )
  await place.insertEndpoint({ file_types: place.sql.json(fileTypes) })
  await place.syncToEnd()
  return ids
}

async function expectKept(place: FileScene, fileTypes: string[], kept: string[]): Promise<void> {
  await place.change({ file_types: place.sql.json(fileTypes) })
  await place.syncToEnd()
  expect(await place.names()).toEqual(kept.toSorted())
  expect(await place.syncToEnd()).toEqual({ inserted: 0, updated: 0, deleted: 0 })
}

async function mimeTypes({ sql, endpointId }: FileScene): Promise<{ name: string; mime: string | null }[]> {
  return sql<{ name: string; mime: string | null }[]>`
    select file_name as name, mime_type as mime from public.files where endpoint_id = ${endpointId}::uuid`
}
