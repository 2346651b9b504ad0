import { expect, it } from 'vitest'
import { claimRun, finishRun, mergePage } from '../../src/shared/db/sync-store.ts'
import { connectIntegration } from '../../src/shared/oauth/secret-store.ts'
import { createTestEndpoint, file, folder, page, paths, runPages, type TestEndpoint } from './support.ts'

const root = folder('root', null, { root: true })

it('lets an owner delete an endpoint while it syncs, without a deadlock', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, userId } = endpoint
  for (let round = 0; round < 5; round += 1) {
    const [added] = await sql<[{ id: string }]>`
      insert into public.endpoints (name, endpoint_type, project_id, user_id) values ('Test', 'google_drive', 'p', ${userId}::uuid)
      returning id`
    const claim = await claimRun(sql, added.id)
    const files = Array.from({ length: 1000 }, (_, n) => file(`f${n}`, 'root'))
    const merge = mergePage(sql, added.id, claim!.fence, page({ first: true, folders: [root], files }))
    await merge.received
    await sql`delete from public.endpoints where id = ${added.id}::uuid`
    const outcome = await merge.result.then(
      () => 'merged',
      (error: { code: string }) => error.code,
    )
    expect(['merged', 'run_superseded']).toContain(outcome)
  }
  expect(await paths(endpoint)).toEqual({})
})

it('uses up the wish that led to a run, and keeps one that comes during it', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  // It has waited in the queue for long.
  await sql`update public.endpoints set next_sync_at = now() - interval '1 minute'`
  const claim = await claimRun(sql, endpointId)
  await finish(endpoint, claim!.fence)
  expect(await isDue(endpoint)).toBe(false)

  const next = await claimRun(sql, endpointId)
  await sql`update public.endpoints set next_sync_at = now()`
  await finish(endpoint, next!.fence)
  expect(await isDue(endpoint)).toBe(true)
})

it('keeps a wish that comes after the worker of a run has died', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  await claimRun(sql, endpointId)
  await sql`update public.endpoints set next_sync_at = now()`
  const takeover = await claimRun(sql, endpointId)
  await finish(endpoint, takeover!.fence)
  expect(await isDue(endpoint)).toBe(true)
})

it('takes a confirmation for one pass, whether it was needed or not', async () => {
  await using endpoint = await createTestEndpoint()
  const files = Array.from({ length: 200 }, (_, n) => file(`f${n}`, 'root'))
  const all = page({ first: true, folders: [root], files, more: false })
  await runPages(endpoint, [all])
  await endpoint.sql`update public.endpoints set deletions_confirmed_at = now()`
  await runPages(endpoint, [all])
  const [outage] = await runPages(endpoint, [{ ...all, files: [] }])
  expect(outage).toMatchObject({ deleted: 0n, stopped_at: 200n })
})

it('ends the log of a run whose endpoint is changed', async () => {
  await using endpoint = await createTestEndpoint()
  await claimRun(endpoint.sql, endpoint.endpointId)
  await endpoint.sql`update public.endpoints set endpoint_config = '{"folder_id": "x"}'`
  expect(await endpoint.sql`select status, error_code, finished_at is not null as finished from public.sync_logs`).toEqual([
    { status: 'failed', error_code: 'endpoint_changed', finished: true },
  ])
  expect(await endpoint.sql`select last_sync_status from public.endpoints`).toEqual([{ last_sync_status: 'pending' }])
})

it('binds an endpoint to the account that is connected next, although somebody has asked for a sync before', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId, integrationId } = endpoint
  await sql`delete from patchbay.sync_state`
  await sql`update public.endpoints set integration_id = null`
  await sql`update public.endpoints set next_sync_at = now()`
  await sql`select patchbay.dispatch()`
  expect(await claimRun(sql, endpointId)).toBeUndefined()
  const accessTokenJwe = 'eyJraWQiOiJ0ZXN0In0..aXY.Y3Q.dGFn'
  const token = { accessTokenJwe, refreshTokenJwe: null, tokenType: 'Bearer', expiresAt: null, refreshDueAt: null }
  await connectIntegration(sql, integrationId, {
    grantType: 'authorization_code',
    scopes: [],
    tokens: { primary: token },
    origin: { actor: 'user', source: 'test' },
  })
  expect(await sql`select integration_id from public.endpoints`).toEqual([{ integration_id: integrationId }])
  expect(await isDue(endpoint)).toBe(true)
})

function finish({ sql, endpointId }: TestEndpoint, fence: bigint): Promise<void> {
  const nextSyncAt = new Date(Date.now() + 24 * 3600_000)
  return finishRun(sql, endpointId, fence, {
    status: 'completed',
    errorCode: null,
    errorMessage: null,
    requests: 0,
    bytes: 0,
    nextSyncAt,
  })
}

async function isDue({ sql }: TestEndpoint): Promise<boolean> {
  const [row] = await sql<[{ due: boolean }]>`select next_sync_at <= now() as due from public.endpoints`
  return row.due
}
