import { expect } from 'vitest'
import { requestLimits } from '../../../src/shared/http/provider-api.ts'
import type { PatchbayError } from '../../../src/shared/errors.ts'
import type { Fault } from '../../../src/sandbox/admin-contract.ts'
import type { Scenario } from '../scenario.ts'
import type { Scene } from '../scene.ts'
import { expectToNeedReauth } from './refreshing.ts'

/** More than one page anywhere: at least one is full. */
const many = 1100

export const reading: readonly Scenario[] = [
  {
    name: '401: the token is renewed once',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.failList({ type: 'unauthorized' }, 1)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.refreshRequests()).toBe(1)
      expect(await scene.secret(id)).toMatchObject({ version: 2n })
    },
  },
  {
    name: '401 for the new token too: needs_reauth, once',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.failList({ type: 'unauthorized' })
      const before = await scene.listRequests()
      await expect(scene.list(id)).rejects.toMatchObject({ outcome: 'reconnect' })
      expect(await scene.refreshRequests()).toBe(1)
      expect(await scene.listRequests()).toBe(before + 2)
      await expect(scene.list(id)).rejects.toMatchObject({ outcome: 'reconnect' })
      await expectToNeedReauth(scene, id)
    },
  },
  { name: '403 is not tried again, and ends nothing', play: (scene) => expectRejected(scene, { type: 'forbidden' }) },
  { name: '404 is not tried again, and ends nothing', play: (scene) => expectRejected(scene, { type: 'not-found' }) },
  {
    name: '429 with Retry-After is waited for, up to a limit',
    play: async (scene) => {
      const { id } = await scene.connected()
      const waits: number[] = []
      const runtime = scene.runtimeWith({ sleep: async (ms) => void waits.push(ms) })
      await scene.failList({ type: 'rate-limit', retryAfterSeconds: 7 }, 1)
      expect(await scene.list(id, runtime)).toEqual(expect.any(Array))
      expect(Math.max(...waits)).toBeGreaterThanOrEqual(7_000)
      expect(Math.max(...waits)).toBeLessThan(8_000)

      await scene.failList({ type: 'rate-limit', retryAfterSeconds: 3600 })
      const before = await scene.listRequests()
      await expect(scene.list(id, runtime)).rejects.toMatchObject({
        code: 'provider_rate_limited',
        outcome: 'transient',
        retryAfterMs: 3_600_000,
      })
      expect(await scene.listRequests()).toBe(before + 1)
    },
  },
  { name: '429 without Retry-After backs off', play: (scene) => expectPatience(scene, { type: 'rate-limit' }) },
  { name: 'too fast in its own words backs off', play: (scene) => expectPatience(scene, { type: 'quota' }) },
  {
    name: '5xx is tried again, and ends nothing',
    play: async (scene) => {
      const fault = { type: 'server-error', status: 502, html: true } as const
      await expectToPass(scene, fault)
      const { id } = await scene.connected()
      await scene.failList(fault)
      await expect(scene.list(id, impatient(scene))).rejects.toMatchObject({ code: 'provider_unavailable', outcome: 'transient' })
      expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
    },
  },
  {
    name: 'an empty page with a next one is not the end',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.control.fill((await scene.account()).name, 5)
      const all = await scene.list(id)
      expect(all.length).toBeGreaterThanOrEqual(5)
      await scene.failPage({ type: 'empty-page' }, 1)
      const before = await scene.apiRequests()
      expect(ids(await scene.list(id))).toEqual(ids(all))
      expect(await scene.apiRequests()).toBeGreaterThan(before + 1)
    },
  },
  {
    name: 'pages of maximum size are read to the end',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.control.fill((await scene.account()).name, many)
      const before = await scene.apiRequests()
      const all = await scene.list(id, impatient(scene))
      expect(all.length).toBeGreaterThanOrEqual(many)
      expect(new Set(ids(all)).size).toBe(all.length)
      expect(await scene.apiRequests()).toBeGreaterThan(before + 1)
    },
  },
  {
    name: 'HTML instead of JSON is refused, cut JSON is asked for again',
    play: async (scene) => {
      const { id } = await scene.connected()
      await scene.failList({ type: 'html' })
      const before = await scene.listRequests()
      await expect(scene.list(id)).rejects.toMatchObject({ code: 'provider_answer_invalid', outcome: 'contract' })
      expect(await scene.listRequests()).toBe(before + 1)
      await scene.sandbox.clearFaults()
      await scene.failList({ type: 'cut-body' }, 1)
      expect(await scene.list(id, impatient(scene))).toEqual(expect.any(Array))
      expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
    },
  },
]

/** What the same request would meet again: the caller hears of it at once, and the connection stays. */
async function expectRejected(scene: Scene, fault: Fault): Promise<void> {
  const { id } = await scene.connected()
  await scene.failList(fault)
  const before = await scene.listRequests()
  const failure = await scene.list(id).then(
    () => undefined,
    (error: PatchbayError) => error,
  )
  expect(failure).toMatchObject({ outcome: 'rejected', context: { provider: scene.definition.id } })
  expect(await scene.listRequests()).toBe(before + 1)
  expect(await scene.refreshRequests()).toBe(0)
  expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
}

/** What passes by itself: after a pause the same request works. */
async function expectToPass(scene: Scene, fault: Fault): Promise<void> {
  const { id } = await scene.connected()
  await scene.failList(fault, 1)
  const before = await scene.listRequests()
  expect(await scene.list(id, impatient(scene))).toEqual(expect.any(Array))
  expect(await scene.listRequests()).toBeGreaterThan(before + 1)
  expect((await scene.secret(id))!.version).toBe(1n)
  expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
}

/** A pause, then it works; where the provider is known to want a long one, the job queue has to wait, and hears how long. */
async function expectPatience(scene: Scene, fault: Fault): Promise<void> {
  const { id } = await scene.connected()
  await scene.failList(fault)
  const failure = await scene.list(id, impatient(scene)).then(
    () => undefined,
    (error: PatchbayError) => error,
  )
  expect(failure).toMatchObject({ code: 'provider_rate_limited', outcome: 'transient' })
  expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
  await scene.sandbox.clearFaults()
  if ((failure?.retryAfterMs ?? 0) > requestLimits.longestWaitMs) expect(await scene.list(id)).toEqual(expect.any(Array))
  else await expectToPass(scene, fault)
}

/** A runtime for which no pause is long. */
function impatient(scene: Scene) {
  return scene.runtimeWith({ sleep: (ms) => scene.runtime.sleep(Math.min(ms, 20)) })
}

function ids(items: readonly { id: string }[]): string[] {
  return items.map(({ id }) => id)
}
