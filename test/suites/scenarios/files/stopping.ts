import { expect } from 'vitest'
import type { FileScenario } from '../../file-scene.ts'

export const stopping: readonly FileScenario[] = [
  {
    name: 'a mass deletion is stopped, and done once it is confirmed',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.addFiles(150, folders.plans)
      await place.begin()
      await place.files.trash(folders.plans)
      for (const outcome of ['stopped', 'stopped']) {
        expect(await place.sync()).toBe(outcome)
        expect(await place.rowCount()).toBe(156)
        expect(await place.lastError()).toBe('mass_delete_stopped')
      }

      await place.call('confirm_deletions')
      await place.expectFollowed({ deleted: 154 })
      expect(await place.lastError()).toBeNull()
      // Good for one pass.
      await place.files.restore(folders.plans)
      await place.expectFollowed({ inserted: 154 })
      await place.files.trash(folders.plans)
      expect(await place.sync()).toBe('stopped')
    },
  },
  {
    name: 'a mass deletion that was a mistake ends by itself when it is undone',
    play: async (place) => {
      const { folders } = await place.plant()
      await place.addFiles(150, folders.plans)
      await place.begin()
      const before = await place.rowVersions()
      await place.files.setVisible(folders.plans, false)
      expect(await place.sync()).toBe('stopped')
      await place.files.setVisible(folders.plans, true)
      await place.expectFollowed({})
      expect((await place.rowVersions()).files).toEqual(before.files)
    },
  },
]
