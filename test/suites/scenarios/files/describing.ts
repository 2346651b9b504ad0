import { expect } from 'vitest'
import type { FileScenario } from '../../file-scene.ts'

/** Names over which a file system, a URL, a query language or an escape might stumble. */
const oddNames = [
  'Größe – 図面 🏗️👷🏽‍♀️.dwg',
  'مخطط الطابق الأول.pdf',
  '\u202Egnp.exe',
  'e\u0301.txt',
  '\u00e9.txt',
  'a/b.txt',
  '/',
  'line\nbreak\r\nand\ttab.txt',
  `it's a "quoted" \\ name.pdf`,
  "'; drop table public.files; --",
  ' leading and trailing ',
  '..',
  '.',
  '../up.txt',
  '.hidden',
  '100% #1?&=+$1\\1.csv',
  '{"json": [null]}',
  'null',
  'x'.repeat(255),
  '図'.repeat(85),
]

const tb = 10 ** 12

export const describing: readonly FileScenario[] = [
  {
    name: 'odd names of files and folders stay as they are',
    play: async (place) => {
      await place.files.addFiles(
        place.rootId,
        oddNames.map((name) => ({ name })),
      )
      // Below each odd folder there is something, so that its name is in a path.
      for (const id of await place.files.addFolders(
        place.rootId,
        oddNames.map((name) => `folder ${name}`),
      )) {
        await place.addFile('inside.txt', id)
      }
      await place.begin()
      expect(await place.names()).toEqual(expect.arrayContaining(oddNames))
      await place.expectFollowed({})
    },
  },
  {
    name: 'equal names in one folder are different files',
    play: async (place) => {
      const [first, second] = await place.files.addFiles(place.rootId, [
        { name: 'same.txt', size: 1 },
        { name: 'same.txt', size: 2 },
      ])
      const [one, two] = await place.files.addFolders(place.rootId, ['Same', 'Same'])
      await place.addFile('inside.txt', one)
      await place.addFile('inside.txt', two)
      await place.begin()
      await place.files.rename(first!, 'other.txt')
      await place.expectFollowed({ updated: 1 })
      await place.files.remove(second!)
      await place.files.remove(two!)
      await place.expectFollowed({ deleted: 2 })
    },
  },
  {
    name: 'characters that Postgres does not take are replaced, and nothing is lost',
    play: async (place) => {
      await place.insertEndpoint()
      await place.syncToEnd()
      await place.files.addFiles(place.rootId, [{ name: 'nul \u0000.txt' }, { name: 'half \uD83D.txt' }])
      expect(await place.syncToEnd()).toMatchObject({ inserted: 2 })
      expect(await place.names()).toEqual(expect.arrayContaining(['nul \uFFFD.txt', 'half \uFFFD.txt']))
      expect(await place.syncToEnd()).toEqual({ inserted: 0, updated: 0, deleted: 0 })
    },
  },
  {
    name: 'sizes are those of the provider, from nothing to 5 TB, and unknown where it has none',
    play: async (place) => {
      const sizes = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 5 * tb, null]
      const ids = await place.files.addFiles(
        place.rootId,
        sizes.map((size) => ({ name: `${size} bytes`, size })),
      )
      await place.begin()
      const rows = new Map((await place.rows()).map((row) => [row.id, row.size]))
      expect(ids.map((id) => rows.get(id))).toEqual(sizes)
      await place.expectFollowed({})
    },
  },
  {
    name: 'times are those of the provider, also before 1970',
    play: async (place) => {
      const times = [
        '1901-12-13T20:45:51.000Z',
        '1969-12-31T23:59:59.999Z',
        '1970-01-01T00:00:00.000Z',
        '2016-12-31T23:59:59.001Z',
        '2024-02-29T12:00:00.123Z',
        '2038-01-19T03:14:08.000Z',
        '2999-12-31T23:59:59.999Z',
      ]
      const ids = await place.files.addFiles(
        place.rootId,
        times.map((created, index) => ({ name: created, created, modified: times[index + 1] ?? created })),
      )
      await place.begin()
      const rows = new Map((await place.rows()).map((row) => [row.id, row.created]))
      expect(ids.map((id) => rows.get(id))).toEqual(times)
      await place.expectFollowed({})
    },
  },
]
