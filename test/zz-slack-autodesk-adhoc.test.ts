import { expect, it } from 'vitest'
import { provider as autodesk } from '../src/shared/providers/autodesk/definition.ts'
import { provider as slack } from '../src/shared/providers/slack/definition.ts'
import { openStage } from './suites/scene.ts'

it.each([['slack', slack, false], ['slack rotating', slack, true], ['autodesk', autodesk, true]] as const)('%s', async (_, definition, rotation) => {
  await using stage = await openStage(definition)
  await using scene = await stage.openScene()
  await scene.control.configure({ rotation })
  const account = await scene.account()
  await scene.control.fill(account.name, 450)
  const { id } = await scene.connected()
  console.log(JSON.stringify(await scene.integration(id)), JSON.stringify(await stage.sql`select * from public.oauth_tokens`))
  expect((await scene.integration(id))?.account_id).toBe(account.id)
  expect((await scene.list(id)).length).toBeGreaterThanOrEqual(450)
  for (const fault of [{ type: 'empty-page' }, { type: 'short-page', items: 2 }] as const) {
    await scene.failList(fault, 1)
    const items = await scene.list(id)
    expect(items.length).toBeGreaterThanOrEqual(450)
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length)
  }
  await scene.failList({ type: 'quota' }, 1)
  await scene.list(id).then((l) => console.log('quota', l.length), (e) => console.log('quota', e.code, e.message, e.retryAfterMs))
  for (const type of ['rate-limit', 'unauthorized', 'forbidden', 'not-found', 'server-error'] as const) {
    await scene.failList(type === 'server-error' ? { type, status: 503, html: false } : { type } as never, 'always')
    await scene.list(id, scene.runtimeWith({ sleep: async () => {} })).then((l) => console.log(type, l.length), (e) => console.log(type, e.code, e.message))
    await scene.sandbox.clearFaults()
  }
  console.log(JSON.stringify(await scene.integration(id)))
}, 120_000)

it.each([['slack rotating', slack], ['autodesk', autodesk]] as const)('%s refresh', async (_, definition) => {
  await using stage = await openStage(definition)
  await using scene = await stage.openScene()
  await scene.control.configure({ rotation: true })
  const { id } = await scene.connected()
  await scene.expire(id)
  expect((await scene.list(id)).length).toBeGreaterThan(0)
  expect(await scene.refreshRequests()).toBe(1)
  const account = await scene.account()
  await scene.control.revokeGrants(account.name)
  await scene.expire(id)
  await expect(scene.list(id)).rejects.toMatchObject({ code: 'needs_reauth' })
  console.log(JSON.stringify(await scene.integration(id)))
}, 120_000)
