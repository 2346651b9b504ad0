import { randomBytes, randomUUID } from 'node:crypto'
import { createClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPatchbay, type Patchbay } from '../../src/client/index.ts'
import { connectProvider } from '../../src/local/demo/connect.ts'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts'
import { addEndpoint } from '../db/rows.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { type ClientUser, signUp } from './people.ts'

// The client against the Data API and the Edge Functions of a platform, with the real Auth, Postgres and sandbox behind them.

let platform: TestPlatform
let sandbox: Sandbox
let owner: ClientUser
let patchbay: Patchbay
let id: string

beforeAll(async () => {
  sandbox = await startSandbox()
  platform = await startTestPlatform({
    sandboxUrl: sandbox.url,
    functionEnv: {
      ...sandboxEnv(sandbox.url),
      CONNECTOR_REDIRECT_URLS: 'http://localhost:3000/settings',
      CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    },
  })
  owner = await signUp(platform)
  patchbay = createPatchbay(owner.supabase)
  const person = { ...owner, email: '', accessToken: '' }
  await connectProvider(person, 'google-drive')
})
beforeEach(async () => {
  id = await addEndpoint(platform.sql, owner.id)
})
afterAll(async () => {
  await platform.stop()
  await sandbox.close()
})

describe('the functions about an endpoint', () => {
  it('give it as it is then, in the form of the table', async () => {
    const { data: before } = await owner.supabase.from('endpoints').select().eq('id', id).single()
    const paused = await patchbay.pauseEndpoint(id)
    expect(paused).toMatchObject({ id, enabled: false, name: 'Plans', endpoint_config: {}, file_types: ['*'] })
    expect(Object.keys(paused).toSorted()).toEqual(Object.keys(before ?? {}).toSorted())
    expect(await patchbay.resumeEndpoint(id)).toMatchObject({ id, enabled: true })
    expect(Date.parse((await patchbay.syncEndpoint(id)).next_sync_at)).toBeLessThanOrEqual(Date.now() + 1000)
    expect(Date.parse((await patchbay.cancelSync(id)).next_sync_at)).toBeGreaterThan(Date.now() + 60_000)
    expect(await patchbay.resyncEndpoint(id)).toMatchObject({ last_sync_status: 'pending' })
  })

  it('tell by code, status and hint why they did nothing', async () => {
    await patchbay.pauseEndpoint(id)
    await expect(patchbay.syncEndpoint(id)).rejects.toMatchObject({
      name: 'PatchbayClientError',
      code: 'endpoint_paused',
      message: 'This endpoint is paused.',
      hint: 'Resume it first.',
      status: 409,
    })
    await expect(patchbay.confirmDeletions(id)).rejects.toMatchObject({ code: 'nothing_to_confirm', status: 409 })
    await expect(patchbay.syncEndpoint('plans')).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
  })

  const functions = [
    'syncEndpoint',
    'pauseEndpoint',
    'resumeEndpoint',
    'cancelSync',
    'resyncEndpoint',
    'confirmDeletions',
  ] as const

  it.each(functions)("%s says of another user's endpoint that there is none", async (name) => {
    const other = createPatchbay((await signUp(platform)).supabase)
    for (const one of [id, randomUUID()]) {
      await expect(other[name](one)).rejects.toMatchObject({
        code: 'not_found',
        status: 404,
        message: 'There is no such endpoint.',
      })
    }
  })

  it.each(functions)('%s is nothing for somebody who is not signed in, or whose token is forged', async (name) => {
    const [head, payload] = (await owner.supabase.auth.getSession()).data.session?.access_token.split('.') ?? []
    const forged = `${head}.${payload}.${randomBytes(32).toString('base64url')}`
    for (const token of [undefined, forged]) {
      const supabase = createClient(platform.url, platform.keys.publishableKey, {
        auth: { persistSession: false, autoRefreshToken: false },
        ...(token !== undefined && { global: { headers: { authorization: `Bearer ${token}` } } }),
      })
      await expect(createPatchbay(supabase)[name](id)).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
    }
  })

  it('say when the project cannot be reached', async () => {
    const supabase = createClient('http://127.0.0.1:1', platform.keys.publishableKey, { auth: { persistSession: false } })
    await expect(createPatchbay(supabase).syncEndpoint(id)).rejects.toMatchObject({ code: 'network_error', status: undefined })
  })

  it('are the only way to what the owner may not set by hand', async () => {
    for (const column of ['next_sync_at', 'deletions_confirmed_at']) {
      const { error } = await owner.supabase
        .from('endpoints')
        .update({ [column]: new Date().toISOString() })
        .eq('id', id)
      expect(error?.code, column).toBe('42501')
    }
  })
})

it('tests an endpoint, and the settings of one that is still to be made', async () => {
  const good = { ok: true, steps: [{ status: 'ok' }, { status: 'ok' }, { status: 'ok' }] }
  expect(await patchbay.testEndpoint(id)).toMatchObject(good)
  expect(await patchbay.testEndpoint({ endpoint_type: 'google_drive', endpoint_config: {} })).toMatchObject(good)
  expect(await patchbay.testEndpoint({ endpoint_type: 'google_drive', endpoint_config: { folder_id: 'none' } })).toMatchObject({
    ok: false,
    steps: [{ status: 'ok' }, { step: 'reach', status: 'failed', code: 'provider_not_found' }, { status: 'skipped' }],
  })
  await expect(patchbay.testEndpoint(randomUUID())).rejects.toMatchObject({ code: 'not_found', status: 404 })
})
