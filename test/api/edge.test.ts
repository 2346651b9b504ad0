import { randomUUID } from 'node:crypto'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { tokenKey } from '../oauth/support.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'

// The same as an Edge Function: under Deno, behind the gateway, called by supabase-js.

const app = 'http://localhost:3000'

describe.each(['deno', 'deno-2.1.4'] as const)('%s', (denoVersion) => {
  let sandbox: Sandbox
  let platform: TestPlatform
  let client: SupabaseClient

  beforeAll(async () => {
    sandbox = await startSandbox()
    platform = await startTestPlatform({
      denoVersion,
      sandboxUrl: sandbox.url,
      functionEnv: {
        GOOGLE_CLIENT_ID: 'sandbox-client',
        GOOGLE_CLIENT_SECRET: 'sandbox-secret',
        CONNECTOR_SANDBOX_URL: sandbox.url,
        CONNECTOR_REDIRECT_URLS: app,
        CONNECTOR_TOKEN_KEYS: tokenKey('k1'),
      },
    })
    client = createClient(platform.url, platform.keys.publishableKey, { auth: { persistSession: false } })
    await client.auth.signUp({ email: `${randomUUID()}@example.com`, password: randomUUID() })
  })
  afterEach(() => platform.sql`delete from patchbay.rate_limits`)
  afterAll(async () => {
    await platform.stop()
    await sandbox.close()
  })

  it('connects, asks, refreshes and disconnects', async () => {
    const begun = await invoke('oauth-authorize', { provider: 'google-drive', flow: 'client', redirect_uri: app })
    const { searchParams } = new URL(await approveConsent(begun['auth_url'] as string))
    await invoke('oauth-callback', { code: searchParams.get('code'), state: searchParams.get('state') })
    expect(await invoke('integrations')).toMatchObject({ integrations: [{ provider: 'google-drive', status: 'authenticated' }] })
    expect(await invoke('integrations/google-drive/me')).toMatchObject({ label: 'pat@example.com' })
    expect(await invoke('integrations/google-drive/lists/folders')).toEqual({ items: expect.any(Array) })
    expect(await invoke('integrations/google-drive/refresh', {})).toMatchObject({ hasValidToken: true })
    expect(await invoke('integrations/google-drive/disconnect', {})).toEqual({ status: 'disconnected' })
    expect(await invoke('integrations/google-drive/status')).toMatchObject({ status: 'disconnected', hasValidToken: false })
  })

  it('describes itself to everybody, and answers nobody else without a JWT', async () => {
    const described = await fetch(`${platform.url}/functions/v1/integrations/openapi.json`)
    expect(described.status).toBe(200)
    expect(await described.json()).toMatchObject({ servers: [{ url: `${platform.url}/functions/v1` }] })
    const apikey = platform.keys.publishableKey
    expect((await fetch(`${platform.url}/functions/v1/integrations`, { headers: { apikey } })).status).toBe(401)
  })

  it('counts by user and by the address that the gateway sees, whatever the caller claims', async () => {
    for (const ip of ['198.51.100.1', '198.51.100.2'])
      await client.functions.invoke('integrations', { method: 'GET', headers: { 'cf-connecting-ip': ip, 'x-forwarded-for': ip } })
    const counters = await platform.sql`select split_part(key, ':', 1) as of, points from patchbay.rate_limits order by key`
    expect([...counters]).toEqual([
      { of: 'address', points: 2 },
      { of: 'user', points: 2 },
    ])
    await platform.sql`update patchbay.rate_limits set points = 120`
    const { error } = await client.functions.invoke('integrations', { method: 'GET' })
    const { context } = error as { context: Response }
    expect(context.status).toBe(429)
    expect(Number(context.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await context.json()).toMatchObject({ error: { code: 'rate_limited' } })
  })

  async function invoke(path: string, body?: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { data, error } = await client.functions.invoke<Record<string, unknown>>(path, body ? { body } : { method: 'GET' })
    if (error) throw new Error(`${path}: ${await (error.context as Response).text()}`)
    return data ?? {}
  }
})
