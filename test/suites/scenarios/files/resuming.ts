import { expect } from 'vitest'
import type { FileScenario, FileScene } from '../../file-scene.ts'

export const resuming: readonly FileScenario[] = [
  {
    name: 'unchanged again: no row is written',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.addFiles(30, folders.details)
      await place.begin()
      const before = await place.rowVersions()
      expect(before.files).toHaveLength(36)
      expect(before.folders.length).toBeGreaterThan(4)
      await place.expectFollowed({})
      expect(await place.rowVersions()).toEqual(before)
      // Also when everything is read anew, but for notes about what is still to be read.
      await place.call('resync_endpoint')
      await place.expectFollowed({})
      expect((await place.rowVersions()).files).toEqual(before.files)
    },
  },
  {
    name: 'ended after every page, runs add up to one run',
    play: async (place) => {
      await plantMany(place)
      // Pages of ten.
      await place.begin({ max_files_per_sync: 40 }, { pages: 1 })
      expect(await place.countsSince([])).toEqual({ inserted: 66, updated: 0, deleted: 0 })
      expect((await place.logIds()).length).toBeGreaterThan(6)
      await place.addFiles(15)
      await place.expectFollowed({ inserted: 15 }, { pages: 1 })
    },
  },
  {
    name: 'what changes behind a run that reads everything comes with the next one',
    play: async (place) => {
      const files = await plantMany(place)
      await place.begin({ max_files_per_sync: 40 })
      await place.call('resync_endpoint')
      for (let pages = 1; (await place.sync({ pages: 1 })) === 'partial'; pages += 1) {
        await place.addFile(`added after ${pages}.txt`)
        await place.files.rename(files[pages]!, `renamed after ${pages}.txt`)
      }
      await place.syncToEnd()
      await place.expectEqual()
    },
  },
  {
    name: 'a worker that was taken for dead changes nothing, wherever it hangs',
    play: async (place) => {
      await plantMany(place)
      await place.begin({ max_files_per_sync: 120 })
      for (let at = 1; ; at += 1) {
        await place.addFile(`added before ${at}.txt`)
        await place.call('resync_endpoint')
        const before = await place.logIds()
        const lost = startHanging(place, at)
        if (!(await lost.hangs)) {
          expect(at).toBeGreaterThan(3)
          return
        }
        // It comes back while the one that has taken its place is at work.
        const next = startHanging(place, 1)
        expect(await next.hangs).toBe(true)
        lost.release()
        expect(await lost.outcome).toBe('superseded')
        next.release()
        expect(await next.outcome).not.toBe('superseded')
        await place.syncToEnd()
        await place.expectEqual()
        expect(await place.countsSince(before)).toMatchObject({ inserted: 1, deleted: 0 })
      }
    },
  },
  {
    name: 'a listing that fails, on its last page too, deletes nothing',
    play: async (place) => {
      const files = await plantMany(place)
      await place.begin({ max_files_per_sync: 400 })
      const pages = await listingRequests(place)
      expect(pages).toBeGreaterThan(2)
      for (let failing = 0; failing < pages; failing += 1) {
        await place.files.trash(files[failing]!)
        await place.call('resync_endpoint')
        const before = await place.logIds()
        await failAfter(place, failing)
        expect(await place.sync({ runtime: place.impatient() })).toBe('failed')
        expect(await place.countsSince(before)).toEqual({ inserted: 0, updated: 0, deleted: 0 })
        expect(await place.lastError()).toBe('provider_unavailable')
        await place.scene.sandbox.clearFaults()
        await place.expectFollowed({ deleted: 1 })
      }
    },
  },
  {
    name: 'max_files_per_sync smaller than the tree: the next run goes on, and nothing is dropped',
    play: async (place) => {
      const files = await plantMany(place)
      await place.insertEndpoint({ max_files_per_sync: 20 })
      expect(await place.sync()).toBe('partial')
      expect(await place.rowCount()).toBeLessThan(21)
      await place.syncToEnd()
      await place.expectEqual()
      expect(await mostFetched(place)).toBeLessThanOrEqual(20)

      await place.files.trash(files[0]!)
      await place.addFiles(30)
      await place.call('resync_endpoint')
      const counts: number[] = []
      for (let outcome = 'partial'; outcome === 'partial'; counts.push(await place.rowCount())) outcome = await place.sync()
      // Never fewer than there were: the file in the trash went last of all.
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(66)
      expect(counts.length).toBeGreaterThan(4)
      await place.expectEqual()
      expect(await mostFetched(place)).toBeLessThanOrEqual(20)
    },
  },
]

/** 65 files in the root and five folders, which are more than a page of a small endpoint. Returns the ids of those in the folders. */
async function plantMany(place: FileScene): Promise<string[]> {
  const { folders } = await place.plant()
  await place.addFiles(20)
  const inFolders = [await place.addFiles(20, folders.plans), await place.addFiles(20, folders.details)]
  return inFolders.flat()
}

/** How many requests it takes to read everything anew. */
async function listingRequests(place: FileScene): Promise<number> {
  await place.call('resync_endpoint')
  await place.scene.sandbox.clearRequests()
  await place.syncToEnd()
  const requests = await place.scene.apiRequests()
  // The last one asks what has changed meanwhile.
  return place.stream.hasChangeFeed ? requests - 1 : requests
}

/** So many requests to the API are answered, and then none. */
async function failAfter({ scene }: FileScene, requests: number): Promise<void> {
  const { host } = new URL(scene.definition.api.baseUrl)
  await scene.sandbox.addFault({ match: { host }, fault: { type: 'server-error', status: 503 }, skip: requests, times: 'always' })
}

/** A run whose request of that number gets its answer only when it is released. `hangs` is false when it ends before. */
function startHanging(place: FileScene, number: number) {
  const { scene } = place
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let requests = 0
  const runtime = scene.runtimeWith({
    fetch: async (input, init) => {
      requests += 1
      const answer = await scene.runtime.fetch(input, init)
      if (requests !== number) return answer
      reach()
      await released
      return answer
    },
  })
  const outcome = place.sync({ runtime })
  const hangs = Promise.race([reached.then(() => true), outcome.then(() => false)])
  return { outcome, hangs, release }
}

async function mostFetched({ sql, endpointId }: FileScene): Promise<number> {
  const [row] = await sql<[{ most: number }]>`
    select max(fetched)::int as most from public.sync_logs where endpoint_id = ${endpointId}::uuid`
  return row.most
}
