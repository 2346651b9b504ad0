import { expect } from 'vitest'
import { decodeJwt } from 'jose'
import type { TokenSettings } from '../../../src/sandbox/admin-contract.ts'
import { landing } from '../person.ts'
import type { Scenario } from '../scenario.ts'
import type { Scene } from '../scene.ts'
import { surviveLoss } from './refreshing.ts'

const minute = 60_000

export const tokenAnswers: readonly Scenario[] = [
  {
    name: 'a token answer without expires_in is understood',
    play: async (scene) => {
      await scene.control.configure({ sayExpiry: false })
      const { id } = await scene.connected()
      const { lifetimeIfUnsaid: unsaid } = scene.definition.auth
      const { expiresAt } = (await scene.secret(id))!
      if (unsaid === 'unlimited') expect(expiresAt).toBeNull()
      else expectAbout(expiresAt, Date.now() + (unsaid === 'jwt' ? await jwtLifetime(scene, id) : unsaid * 1000))
      // It ends all the same, and a 401 tells.
      await scene.control.expireAccessTokens()
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
    },
  },
  { name: "the provider's clock may be 5 minutes ahead", play: (scene) => connectSkewed(scene, 300) },
  { name: "the provider's clock may be 5 minutes behind", play: (scene) => connectSkewed(scene, -300) },
  {
    name: 'HTML from the token endpoint breaks no connection',
    play: async (scene) => {
      const person = await scene.person()
      await scene.failTokens({ type: 'html' })
      expect(await person.tryToConnect()).toBe(landing(scene, 'provider_answer_invalid'))
      expect(await person.integrationIds()).toEqual([])
      await scene.sandbox.clearFaults()

      const id = await person.connect()
      await scene.expire(id)
      await scene.failTokens({ type: 'html' })
      await expect(scene.list(id)).rejects.toMatchObject({ code: 'refresh_failed', outcome: 'transient' })
      expect(await scene.integration(id)).toMatchObject({ status: 'error', status_reason: expect.stringMatching(/\w{3}/) })
      await scene.sandbox.clearFaults()
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.integration(id)).toMatchObject({ status: 'connected', status_reason: null })
      expect((await scene.events(id)).slice(-2)).toEqual(['error', 'recovered'])
    },
  },
  {
    name: 'cut JSON from the token endpoint counts as a lost answer',
    play: async (scene) => {
      const person = await scene.person()
      await scene.failTokens({ type: 'cut-body' }, 1)
      expect(await person.tryToConnect()).toMatch(/_error=(provider_unreachable|provider_answer_invalid)$/)
      expect(await person.integrationIds()).toEqual([])

      const id = await person.connect()
      await scene.expire(id)
      await scene.failTokens({ type: 'cut-body' }, 1)
      await surviveLoss(scene, id, 2)
    },
  },
]

async function connectSkewed(scene: Scene, seconds: number): Promise<void> {
  await scene.sandbox.setClockSkew(seconds)
  const lifetime: TokenSettings = { accessTokenSeconds: 1800 }
  await scene.control.configure(lifetime)
  const { id } = await scene.connected()
  expectAbout((await scene.secret(id))!.expiresAt, Date.now() + 30 * minute)
  expect(await scene.list(id)).toEqual(expect.any(Array))
  await scene.expire(id)
  expect(await scene.list(id)).toEqual(expect.any(Array))
  expectAbout((await scene.secret(id))!.expiresAt, Date.now() + 30 * minute)
  if (scene.definition.auth.lifetimeIfUnsaid !== 'jwt') return
  // The token says it by the provider's clock, and it counts by ours.
  await scene.control.configure({ ...lifetime, sayExpiry: false })
  await scene.expire(id)
  expect(await scene.list(id)).toEqual(expect.any(Array))
  expectAbout((await scene.secret(id))!.expiresAt, Date.now() + 30 * minute)
}

async function jwtLifetime(scene: Scene, id: string): Promise<number> {
  const { exp, iat } = decodeJwt((await scene.tokens(id).get()).accessToken)
  return (exp! - iat!) * 1000
}

/** Within a minute: nobody's clock is off by more here. */
function expectAbout(time: number | null, expected: number): void {
  expect(Math.abs((time ?? 0) - expected)).toBeLessThan(minute)
}
