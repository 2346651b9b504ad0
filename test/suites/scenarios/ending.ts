import { expect } from 'vitest'
import { landing } from '../person.ts'
import type { Scenario } from '../scenario.ts'

export const ending: readonly Scenario[] = [
  {
    name: 'a disconnect deletes the secret and ends the grant where the provider can',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      const account = await scene.account()
      await person.order('disconnect', id)
      expect(await scene.secret(id)).toBeUndefined()
      expect(await person.ask('status', id)).toMatchObject({ status: 'disconnected', hasValidToken: false })
      await expect(scene.list(id)).rejects.toMatchObject({ code: 'not_connected' })
      await scene.runJobs()
      const { revocation } = scene.definition.auth
      expect(await scene.events(id)).toEqual(['connected', 'disconnected', revocation ? 'revoked' : 'revocation_skipped'])
      expect(await scene.stage.sql`select from patchbay.revocations where integration_id = ${id}::uuid`).toHaveLength(0)
      expect(await scene.control.liveGrants(account.name)).toBe(revocation ? 0 : 1)
    },
  },
  {
    name: 'a disconnect ends the grant also when the access token is old',
    unless: ({ auth }) => (auth.revocation ? undefined : 'it has no way to end a grant'),
    play: async (scene) => {
      const { person, id } = await scene.connected()
      await scene.expire(id)
      await person.order('disconnect', id)
      await scene.runJobs()
      expect(await scene.events(id)).toEqual(['connected', 'disconnected', 'revoked'])
      expect(await scene.control.liveGrants((await scene.account()).name)).toBe(0)
    },
  },
  {
    name: 'a disconnect leaves the connections of others as they are',
    play: async (scene) => {
      const [mine, others] = [await scene.connected(), await scene.connected()]
      await mine.person.order('disconnect', mine.id)
      await scene.runJobs()
      const { revocation } = scene.definition.auth
      const told = revocation?.ends === 'token' ? 'revoked' : 'revocation_skipped'
      expect(await scene.events(mine.id)).toEqual(['connected', 'disconnected', told])
      await scene.expire(others.id)
      expect(await scene.list(others.id)).toEqual(expect.any(Array))
    },
  },
  {
    name: 'a connection made anew keeps its id and gets new tokens',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      const { accessToken } = await scene.tokens(id).get()
      expect(await person.connect({ integrationId: id })).toBe(id)
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
      expect((await scene.tokens(id).get()).accessToken).not.toBe(accessToken)
      expect(await scene.list(id)).toEqual(expect.any(Array))

      const other = await scene.account(1)
      expect(await person.tryToConnect({ integrationId: id, account: other.name })).toBe(landing(scene, 'account_mismatch'))
      expect(await scene.list(id)).toEqual(expect.any(Array))

      await person.order('disconnect', id)
      expect(await person.connect()).toBe(id)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await person.integrationIds()).toEqual([id])
    },
  },
  {
    name: 'a connection that needs_reauth recovers when it is made anew',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      await scene.control.revokeGrants((await scene.account()).name)
      await expect(scene.list(id)).rejects.toMatchObject({ outcome: 'reconnect' })
      expect(await person.connect({ integrationId: id })).toBe(id)
      expect(await scene.integration(id)).toMatchObject({ status: 'connected', status_reason: null })
      expect(await scene.events(id)).toEqual(['connected', 'needs_reauth', 'recovered'])
      expect(await scene.told(id)).toEqual(['needs_reauth', 'connected'])
      expect(await scene.list(id)).toEqual(expect.any(Array))
    },
  },
]
