import { expect } from 'vitest'
import { refreshNow, settleRefreshes } from '../../../src/shared/oauth/tokens.ts'
import type { Scenario } from '../scenario.ts'
import type { Scene } from '../scene.ts'
import { stampede } from '../stampede.ts'

const soon = 30_000

export const refreshing: readonly Scenario[] = [
  {
    name: 'an expired token is renewed by the next call',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expire(id)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.refreshRequests()).toBe(1)
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
      expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
    },
  },
  {
    name: 'a token is renewed before it ends',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expireSoon(id, 10 * 60_000)
      await scene.dispatch()
      await scene.runJobs()
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
      expect(await scene.list(id)).toEqual(expect.any(Array))
      await scene.dispatch()
      await scene.runJobs()
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
    },
  },
  {
    name: "a wrong client secret is the operator's to mend, and breaks no connection",
    play: async (scene) => {
      const { person, id } = await scene.connected()
      const wrong = scene.runtimeOf({ [scene.definition.auth.env.clientSecret]: 'wrong' })
      await scene.expireSoon(id, soon)
      expect(await scene.tokens(id, wrong).get()).toMatchObject({ accessToken: expect.any(String) })
      await scene.expire(id)
      await expect(scene.tokens(id, wrong).get()).rejects.toMatchObject({ code: 'client_rejected', outcome: 'config' })
      expect(await scene.integration(id)).toMatchObject({ status: 'connected', status_reason: null })
      expect(await person.ask('status', id)).toMatchObject({ status: 'authenticated', hasValidToken: false })
      // Mended.
      expect(await scene.list(id)).toEqual(expect.any(Array))
    },
  },
  {
    name: 'a refresh on demand gives a new token',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      const { accessToken } = await scene.tokens(id).get()
      expect(await person.order('refresh', id)).toMatchObject({ status: 'authenticated', hasValidToken: true })
      expect((await scene.tokens(id).get()).accessToken).not.toBe(accessToken)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.refreshRequests()).toBe(1)
    },
  },
  {
    name: 'promise 1: exactly one refresh for 4 x 200 callers, while it takes 15 s',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expire(id)
      await scene.failTokens({ type: 'delay', ms: 15_000 })
      const reports = await stampede({
        env: scene.env,
        databaseUrl: scene.stage.databaseUrl,
        providerId: scene.definition.id,
        integrationId: id,
        callers: 200,
      })
      for (const { logged } of reports) scene.stage.said.push(logged)
      const tokens = new Set(reports.flatMap(({ served }) => Object.keys(served)))
      expect([...tokens]).toEqual([expect.stringMatching(/^version 2 [0-9a-f]{64}$/)])
      expect(reports.map(({ served }) => Object.values(served))).toEqual([[200], [200], [200], [200]])
      expect(await scene.refreshRequests()).toBe(1)
      expect(Math.min(...reports.map(({ ms }) => ms))).toBeGreaterThan(14_000)
    },
  },
  {
    name: 'the newest refresh token is kept',
    play: async (scene) => {
      const { id } = await scene.connected()
      for (let round = 1; round <= 3; round += 1) {
        await scene.expire(id)
        // All at once: of several callers, none may send a token that another has used.
        await Promise.all(Array.from({ length: 5 }, () => scene.tokens(id).get()))
        expect(await scene.refreshRequests()).toBe(round)
      }
      expect((await scene.control.tokenStats()).refreshReuses).toBe(0)
      expect(await scene.list(id)).toEqual(expect.any(Array))
    },
  },
  {
    name: 'an app may have rotation switched off',
    play: async (scene) => {
      await scene.control.configure({ rotation: false })
      const { id } = await scene.connected()
      expect(await scene.list(id)).toEqual(expect.any(Array))
      if ((await scene.secret(id))!.refreshable) {
        for (const version of [2n, 3n]) {
          await scene.expire(id)
          expect(await scene.list(id)).toEqual(expect.any(Array))
          expect(await scene.secret(id)).toMatchObject({ version })
        }
      } else {
        expect(await scene.secret(id)).toMatchObject({ expiresAt: null })
        await scene.control.expireAccessTokens()
        await expect(scene.list(id)).rejects.toMatchObject({ outcome: 'reconnect' })
        await expectToNeedReauth(scene, id)
      }
    },
  },
  {
    name: 'a stolen refresh token that was used ends in a new token or in needs_reauth',
    unless: ({ auth }) => (auth.usedRefreshToken === 'valid' ? 'a used refresh token stays good' : undefined),
    play: async (scene) => {
      const { id } = await scene.connected()
      const used = await scene.storedRefreshToken(id)
      await refreshNow(scene.runtime, scene.definition, id)
      await scene.sendRefreshToken(used)
      expect((await scene.control.tokenStats()).refreshReuses).toBe(1)
      const before = await scene.refreshRequests()
      await scene.expire(id)
      const served = await scene.list(id).then(
        () => 'connected',
        (error: { code?: string }) => error.code,
      )
      expect(['connected', 'needs_reauth']).toContain(served)
      expect(await scene.integration(id)).toMatchObject({ status: served })
      if (served === 'needs_reauth') expect(await scene.events(id)).toEqual(['connected', 'needs_reauth'])
      expect(await scene.refreshRequests()).toBe(before + 1)
    },
  },
  {
    name: 'a lost answer to a refresh costs no more than the provider takes',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expire(id)
      await scene.failTokens({ type: 'lost-response' }, 1)
      await surviveLoss(scene, id, 2)
    },
  },
  {
    name: 'a lost answer to a refresh fails nobody while the old token is good',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expireSoon(id, soon)
      await scene.failTokens({ type: 'lost-response' }, 1)
      const tokens = await Promise.all(Array.from({ length: 20 }, () => scene.tokens(id).get()))
      expect(tokens.every(({ accessToken }) => accessToken !== '')).toBe(true)
      await settleRefreshes(scene.runtime)
      expect(await scene.tokens(id).get()).toMatchObject({ accessToken: expect.any(String) })
    },
  },
  {
    name: 'a connection that the user ended at the provider needs_reauth, once',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      expect(await scene.control.revokeGrants((await scene.account()).name)).toBe(1)
      const failed = { outcome: 'reconnect' }
      await Promise.all(Array.from({ length: 3 }, () => expect(scene.list(id)).rejects.toMatchObject(failed)))
      await expect(scene.list(id)).rejects.toMatchObject(failed)
      await expectToNeedReauth(scene, id)
      const known = { status: 'needs_reauth', hasValidToken: false, reason: expect.stringMatching(/\w{3}/) }
      expect(await person.ask('status', id)).toMatchObject(known)
    },
  },
  {
    name: 'a failing token endpoint fails nobody while the old token is good',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expireSoon(id, soon)
      await scene.failTokens({ type: 'server-error', status: 503, html: false })
      await expectOldToken(scene, id)
    },
  },
  {
    name: 'a silent token endpoint fails nobody while the old token is good',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.expireSoon(id, soon)
      await scene.failTokens({ type: 'timeout' })
      // Nobody here has 30 s, nor 5 for the patience of callers.
      const runtime = scene.runtimeWith({
        fetch: (url, init) => scene.runtime.fetch(url, { ...init, signal: AbortSignal.timeout(500) }),
        sleep: (ms) => scene.runtime.sleep(Math.min(ms, 100)),
      })
      await expectOldToken(scene, id, runtime)
    },
  },
]

/** The last refresh may or may not have arrived: what that comes to is the provider's to say. */
export async function surviveLoss(scene: Scene, id: string, requests: number): Promise<void> {
  if (scene.definition.auth.usedRefreshToken === 'dead') {
    await expect(scene.tokens(id).get()).rejects.toMatchObject({ code: 'needs_reauth' })
    await expectToNeedReauth(scene, id)
  } else {
    expect(await scene.list(id)).toEqual(expect.any(Array))
    expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
  }
  expect(await scene.refreshRequests()).toBe(requests)
}

export async function expectToNeedReauth(scene: Scene, id: string): Promise<void> {
  expect(await scene.integration(id)).toMatchObject({ status: 'needs_reauth', status_reason: expect.stringMatching(/\w{3}/) })
  expect(await scene.events(id)).toEqual(['connected', 'needs_reauth'])
  expect(await scene.told(id)).toEqual(['needs_reauth'])
}

async function expectOldToken(scene: Scene, id: string, runtime = scene.runtime): Promise<void> {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => scene.tokens(id, runtime).get()))
  expect(new Set(tokens.map(({ version }) => version))).toEqual(new Set([1n]))
  await settleRefreshes(runtime)
  expect(await scene.refreshRequests()).toBeGreaterThan(0)
  expect(await scene.list(id, runtime)).toEqual(expect.any(Array))
  expect(await scene.integration(id)).toMatchObject({ status: 'connected', status_reason: null })
  await settleRefreshes(runtime)
}
