import { randomUUID } from 'node:crypto'
import { generateKeyPair, UnsecuredJWT } from 'jose'
import type { Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../src/shared/api/routes.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { connectApp } from '../../src/shared/oauth/connect.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import { secretsIn } from '../oauth/support.ts'
import { app, startTestApi, type CallOptions, type TestApi, type TestUser } from './support.ts'

let api: TestApi
let pat: TestUser
let eve: TestUser

beforeAll(async () => {
  api = await startTestApi()
  pat = await api.signUp()
  eve = await api.signUp()
})
afterEach(async () => {
  await api.sandbox.clearFaults()
  await api.sql`delete from public.integrations`
  await api.sql`delete from patchbay.rate_limits`
})
afterAll(() => api[Symbol.asyncDispose]())

/** Each route with a call that would do for it. */
const calls = routes.map(({ method, path }) => {
  const filled = path.replace(':provider', 'google-drive').replace(':name', 'folders').replace(':id', randomUUID())
  return { method: method.toUpperCase(), path: `integrations${filled === '/' ? '' : filled}`, body: bodyFor(method, path) }
})
const withIntegration = calls.filter(({ path }) => path.startsWith('integrations/google-drive/'))

function bodyFor(method: string, path: string): Record<string, unknown> | undefined {
  if (method === 'get') return undefined
  if (path === '/endpoints/test') return { endpoint_type: 'google_drive' }
  return path.endsWith('/tenant') ? { tenant_id: '1' } : {}
}

describe.each(calls)('$method $path', ({ method, path, body }) => {
  it('demands the JWT of a user', async () => {
    await api.connect(pat, 'google-drive')
    const { privateKey } = await generateKeyPair('ES256')
    const unsigned = new UnsecuredJWT({ role: 'authenticated' }).setSubject(pat.id).setExpirationTime('1 hour').encode()
    const shown = {
      none: undefined,
      'one of the anonymous role': await api.signJwt({ sub: pat.id, role: 'anon' }),
      'one of the service role': await api.signJwt({ sub: pat.id, role: 'service_role' }),
      'one with the right key id and another key': await api.signJwt({ sub: pat.id }, { key: privateKey }),
      'one without a signature': `${unsigned}c2ln`,
      'one that has expired': await api.signJwt({ sub: pat.id }, { expires: '-1 minute' }),
    }
    for (const [what, jwt] of Object.entries(shown)) {
      const headers = jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }
      const answer = await api.call(path, { method, body, headers })
      expect(answer.status, what).toBe(401)
      expect(answer.body, what).toEqual({
        error: { code: 'unauthorized', message: expect.any(String), hint: expect.any(String) },
      })
    }
    expect(await statuses()).toEqual(['connected'])
  })

  it('answers no other method', async () => {
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((other) => other !== method)
    for (const other of others) {
      const answer = await api.call(path, { method: other, user: pat })
      expect(answer.status, other).toBe(405)
      expect(answer.body).toMatchObject({ error: { code: 'method_not_allowed', hint: `Use ${method}.` } })
    }
  })

  it('names a field that does not exist, such as the id of a user', async () => {
    const asked = method === 'GET' ? { path: `${path}?user_id=${eve.id}` } : { path, body: { ...body, user_id: eve.id } }
    const answer = await api.call(asked.path, { method, user: pat, body: asked.body })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('user_id') })
  })
})

describe.each(withIntegration)('$method $path', ({ method, path, body }) => {
  const call = (user: TestUser, integrationId: string | undefined, at = path) => {
    const id = integrationId === undefined ? {} : { integration_id: integrationId }
    const query = new URLSearchParams(id).toString()
    return method === 'GET' ? api.call(`${at}?${query}`, { user }) : api.call(at, { user, body: { ...body, ...id } })
  }

  it("does nothing with another user's integration, nor with one that does not exist", async () => {
    const pats = await api.connect(pat, 'google-drive')
    for (const id of [pats, randomUUID()]) {
      const answer = await call(eve, id)
      expect(answer.status).toBe(404)
      expect(answer.body).toMatchObject({ error: { code: 'not_found' } })
    }
    expect(await statuses()).toEqual(['connected'])
  })

  it('takes no integration of one provider for that of another', async () => {
    const id = await api.connect(pat, 'google-drive')
    const answer = await call(pat, id, path.replace('google-drive', 'slack'))
    expect(answer.body).toMatchObject({ error: { code: 'not_found' } })
  })

  it('knows no provider of another name', async () => {
    const answer = await call(pat, undefined, path.replace('google-drive', 'nobody'))
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({ error: { code: 'unknown_provider' } })
  })

  it('refuses an id that is none, by its name', async () => {
    const answer = await call(pat, "1' or true --")
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('integration_id') })
  })
})

describe('a function that takes a body', () => {
  it.each(['oauth-authorize', 'oauth-callback', ...calls.filter(({ method }) => method === 'POST').map(({ path }) => path)])(
    '%s refuses one that is too large, no JSON, or no object',
    async (path) => {
      const large = await api.call(path, { user: pat, body: { padding: 'x'.repeat(11_000) } })
      expect(large.status).toBe(400)
      expect(large.body).toMatchObject({ error: { code: 'invalid_request', message: expect.stringContaining('larger') } })
      for (const body of ['provider=google-drive', '[]', 'null', '"text"', '{']) {
        const answer = await api.call(path, { user: pat, body })
        expect(answer.status, body).toBe(400)
        expect(answer.body, body).toMatchObject({ error: { code: 'invalid_request' } })
      }
    },
  )

  it('repeats no name that may be a secret put in the wrong place', async () => {
    const secret = `sk${'7f3a'.repeat(12)}`
    const answer = await api.call('integrations/google-drive/refresh', { user: pat, body: { [secret]: secret } })
    expect(answer.status).toBe(400)
    expect(JSON.stringify(answer.body) + api.runtime.logged()).not.toContain(secret)
  })
})

describe('a path that does not exist', () => {
  it('is nobody’s business without a JWT, and not found with one', async () => {
    for (const path of [
      'integrations/google-drive',
      'integrations/google-drive/tokens',
      `integrations/google-drive/status/${pat.id}`,
    ]) {
      expect((await api.call(path)).body, path).toMatchObject({ error: { code: 'unauthorized' } })
      expect((await api.call(path, { user: pat })).body, path).toMatchObject({ error: { code: 'not_found' } })
    }
  })
})

describe('status', () => {
  const status = (query = '', user = pat) => api.call(`integrations/google-drive/status${query}`, { user })

  it('says that a provider is not connected', async () => {
    expect((await status()).body).toMatchObject({
      status: 'not_connected',
      hasValidToken: false,
      connected: false,
      integrationId: null,
      createdAt: null,
      count: 0,
      integrations: [],
    })
  })

  it('answers what the seeds show, and who, why and what may be done', async () => {
    const id = await api.connect(pat, 'google-drive')
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect((await status()).body).toEqual({
      provider: 'google-drive',
      status: 'authenticated',
      hasValidToken: true,
      connected: true,
      integrationId: id,
      accountId: expect.any(String),
      accountLabel: 'pat@example.com',
      reason: null,
      createdAt: time,
      updatedAt: time,
      expiresAt: time,
      scopes: ['https://www.googleapis.com/auth/drive.metadata.readonly'],
      missingScopes: [],
      tenant: null,
      tenantRequired: false,
      count: 1,
      integrations: [{ integrationId: id, accountLabel: 'pat@example.com', status: 'authenticated' }],
    })
  })

  it('shows the newest of several that works, and names them all', async () => {
    const older = await api.connect(pat, 'google-drive', { account: 'pat@example.com' })
    const newer = await api.connect(pat, 'google-drive', { account: 'sam@example.com' })
    expect((await status()).body).toMatchObject({ integrationId: newer, count: 2 })
    await api.call('integrations/google-drive/disconnect', { user: pat, body: { integration_id: newer } })
    const after = await status()
    expect(after.body).toMatchObject({ integrationId: older, status: 'authenticated', count: 2 })
    expect(after.body.integrations.map(({ status }: { status: string }) => status)).toEqual(['disconnected', 'authenticated'])
    expect((await status(`?integration_id=${newer}`)).body).toMatchObject({ integrationId: newer, status: 'disconnected' })
  })

  it('tells an expired token from a connection that its owner has to mend', async () => {
    await api.connect(pat, 'google-drive')
    await api.sql`update patchbay.secrets set expires_at = now()`
    expect((await status()).body).toMatchObject({ status: 'authenticated', hasValidToken: false })
    await api.sandbox.control('google-drive').revokeGrants('pat@example.com')
    expect((await api.call('integrations/google-drive/me', { user: pat })).body).toMatchObject({
      error: { code: 'needs_reauth' },
    })
    expect((await status()).body).toMatchObject({
      status: 'needs_reauth',
      hasValidToken: false,
      connected: false,
      reason: expect.stringContaining('Connect'),
    })
  })
})

describe('the list', () => {
  it("has this user's integrations with all providers, newest first, and nobody else's", async () => {
    await api.connect(eve, 'google-drive')
    const drive = await api.connect(pat, 'google-drive')
    const crm = await api.connect(pat, 'jobber')
    const answer = await api.call('integrations', { user: pat })
    expect(answer.status).toBe(200)
    expect(answer.body.integrations.map(({ integrationId }: { integrationId: string }) => integrationId)).toEqual([crm, drive])
    expect((await api.call('integrations/', { user: pat })).body).toEqual(answer.body)
  })

  it('leaves out a connection that was never completed', async () => {
    await api.sql`select patchbay.reserve_integration(${pat.id}::uuid, 'slack', 'authorization_code', 'T1', 'Team')`
    expect((await api.call('integrations', { user: pat })).body).toEqual({ integrations: [] })
  })
})

describe('with several integrations of a provider and none named', () => {
  it.each(withIntegration.filter(({ path }) => !path.endsWith('/status')))(
    '$method $path does not guess',
    async ({ method, path, body }) => {
      await api.connect(pat, 'google-drive', { account: 'pat@example.com' })
      const named = await api.connect(pat, 'google-drive', { account: 'sam@example.com' })
      const answer = await api.call(path, { method, user: pat, body })
      expect(answer.status).toBe(400)
      expect(answer.body.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('integration_id') })
      expect(await statuses()).toEqual(['connected', 'connected'])
      const options = method === 'GET' ? {} : { body: { ...body, integration_id: named } }
      const query = method === 'GET' ? `?integration_id=${named}` : ''
      const again = await api.call(path + query, { method, user: pat, ...options })
      // Google has no companies.
      expect(again.status).toBe(path.endsWith('/tenant') ? 400 : 200)
    },
  )
})

describe('me and lists', () => {
  it('ask the provider, with a token that is refreshed first if need be', async () => {
    const id = await api.connect(pat, 'google-drive', { account: 'sam@example.com' })
    await api.sql`update patchbay.secrets set expires_at = now()`
    const me = await api.call('integrations/google-drive/me', { user: pat })
    expect(me.body).toEqual({ id: expect.any(String), label: 'sam@example.com' })
    const [secret] = await api.sql`select version from patchbay.secrets where integration_id = ${id}::uuid`
    expect(secret).toEqual({ version: 2n })
    expect((await api.call('integrations/google-drive/lists/folders', { user: pat })).body).toEqual({ items: expect.any(Array) })
  })

  it('give a whole list, page after page, as its ids and labels', async () => {
    await api.connect(pat, 'jobber')
    const [account] = await api.sandbox.control('jobber').accounts()
    await api.sandbox.control('jobber').fill(account?.name ?? '', 120)
    const { body } = await api.call('integrations/jobber/lists/clients', { user: pat })
    expect(body.items.length).toBeGreaterThanOrEqual(120)
    expect(body.items[0]).toEqual({ id: expect.any(String), label: expect.any(String) })
  })

  it('say which lists there are when one is not', async () => {
    await api.connect(pat, 'google-drive')
    for (const name of ['nothing', 'toString', '__proto__']) {
      const answer = await api.call(`integrations/google-drive/lists/${name}`, { user: pat })
      expect(answer.body, name).toMatchObject({ error: { code: 'not_found' } })
    }
  })

  it('say that the account is not connected, before they ask anybody', async () => {
    const answer = await api.call('integrations/google-drive/me', { user: pat })
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({ error: { code: 'not_connected' } })
  })
})

describe('scopes', () => {
  it('compare what was asked for with what was granted', async () => {
    await api.connect(pat, 'google-drive')
    const scopes = () => api.call('integrations/google-drive/scopes', { user: pat })
    const [requested] = (await scopes()).body.requested
    expect((await scopes()).body).toEqual({ granted: [requested], missing: [], requested: [requested] })
    await api.sql`update public.integrations set scopes = array['openid']`
    expect((await scopes()).body).toEqual({ granted: ['openid'], missing: [requested], requested: [requested] })
    expect((await api.call('integrations/google-drive/status', { user: pat })).body).toMatchObject({ missingScopes: [requested] })
  })

  it('are all missing where nothing is connected', async () => {
    const { body } = await api.call('integrations/outlook/scopes', { user: pat })
    expect(body.granted).toEqual([])
    expect(body.requested.length).toBeGreaterThan(0)
  })
})

describe('refresh', () => {
  it('gets a new token now, and says until when', async () => {
    await api.connect(pat, 'google-drive')
    const { body } = await api.call('integrations/google-drive/refresh', { user: pat, body: {} })
    expect(body).toEqual({ status: 'authenticated', hasValidToken: true, expiresAt: expect.any(String) })
    expect(await api.sql`select version from patchbay.secrets`).toEqual([{ version: 2n }])
  })

  it('says that nothing is connected', async () => {
    const answer = await api.call('integrations/google-drive/refresh', { user: pat, body: {} })
    expect(answer.body).toMatchObject({ error: { code: 'not_connected' } })
  })
})

describe('reconnect', () => {
  it('is oauth-authorize for the same integration, in both of its forms', async () => {
    const id = await api.connect(pat, 'google-drive')
    const server = await api.call('integrations/google-drive/reconnect', { user: pat, body: { redirect_to: app } })
    expect(server.body).toEqual({ url: expect.stringContaining('/oauth-start/google-drive?ticket='), expires_in: 120 })
    const client = await api.call('integrations/google-drive/reconnect', {
      user: pat,
      body: { flow: 'client', redirect_uri: app },
    })
    expect(client.body).toEqual({ auth_url: expect.any(String), state: expect.any(String) })
    const states = await api.sql`select distinct integration_id from patchbay.oauth_states`
    expect(states).toEqual([{ integration_id: id }])
  })

  it('lets nobody return to a page that is not the app’s', async () => {
    await api.connect(pat, 'google-drive')
    const body = { redirect_to: 'https://evil.example' }
    const answer = await api.call('integrations/google-drive/reconnect', { user: pat, body })
    expect(answer.body).toMatchObject({ error: { code: 'redirect_not_allowed' } })
  })

  it('refuses another account than the one that was connected', async () => {
    const integrationId = await api.connect(pat, 'google-drive', { account: 'pat@example.com' })
    await expect(api.connect(pat, 'google-drive', { integrationId, account: 'sam@example.com' })).rejects.toThrow(
      'account_mismatch',
    )
  })
})

describe('an account that the operator gave to a user', () => {
  it('says who it is, is refreshed, and is not the user’s to connect again', async () => {
    const clientId = 'sandbox-client'
    const { id } = await connectApp(api.runtime, findProvider('autodesk'), pat.id)
    const me = await api.call('integrations/autodesk/me', { user: pat })
    expect(me.body).toEqual({ id: clientId, label: expect.stringContaining(clientId) })
    expect((await api.call('integrations/autodesk/scopes', { user: pat })).body).toMatchObject({ missing: [] })
    expect((await api.call('integrations/autodesk/refresh', { user: pat, body: {} })).body).toMatchObject({ hasValidToken: true })
    const again = [
      await api.call('integrations/autodesk/reconnect', { user: pat, body: {} }),
      await api.call('oauth-authorize', { user: pat, body: { provider: 'autodesk', integration_id: id } }),
    ]
    for (const { status, body } of again) expect([status, body.error.code]).toEqual([403, 'forbidden'])
  })
})

describe('tenant', () => {
  const tenant = (body: object) => api.call('integrations/procore/tenant', { user: pat, body })

  async function connectWithCompanies(): Promise<{ id: string; label: string }[]> {
    const control = api.sandbox.control('procore')
    const [account] = await control.accounts()
    await control.fill(account?.name ?? '', 3)
    await api.connect(pat, 'procore')
    const { body } = await api.call('integrations/procore/lists/companies', { user: pat })
    return body.items
  }

  it('is not chosen silently where there are several, and then is the one that its owner chose', async () => {
    const companies = await connectWithCompanies()
    expect(companies.length).toBeGreaterThanOrEqual(3)
    const before = await api.call('integrations/procore/status', { user: pat })
    expect(before.body).toMatchObject({ status: 'authenticated', tenant: null, tenantRequired: true })
    const chosen = await tenant({ tenant_id: companies[1]?.id })
    expect(chosen.body).toMatchObject({ tenant: companies[1], tenantRequired: false })
    expect(await api.sql`select event, reason, actor, source from public.audit_log where event = 'tenant_chosen'`).toEqual([
      { event: 'tenant_chosen', reason: companies[1]?.label, actor: 'user', source: 'integrations' },
    ])
  })

  it('is one of those that the account reaches', async () => {
    await connectWithCompanies()
    const answer = await tenant({ tenant_id: '999999999' })
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('tenant_id') })
    expect(await api.sql`select tenant_id from public.integrations`).toEqual([{ tenant_id: null }])
  })
})

describe("the seeds' errors", () => {
  const form = (code: string) => ({ error: { code, message: expect.any(String), hint: expect.anything() } })

  it('missing code or state', async () => {
    for (const [body, field] of [
      [{ state: 'x' }, 'code'],
      [{ code: 'x' }, 'state'],
    ] as const) {
      const answer = await api.call('oauth-callback', { user: pat, body })
      expect(answer.status).toBe(400)
      expect(answer.body.error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(`${field}:`) })
    }
    const browser = await api.call('oauth-callback/google-drive?code=x')
    expect(browser.status).toBe(303)
    expect(browser.headers.get('location')).toBe(`${app}/?google-drive_error=state_invalid`)
  })

  it('invalid credentials', async () => {
    await api.connect(pat, 'google-drive')
    const fault = { type: 'error', status: 401, body: { error: 'invalid_client' } } as const
    await api.sandbox.addFault({ match: { host: 'oauth2.googleapis.com', path: '/token' }, fault, times: 'always' })
    const answer = await api.call('integrations/google-drive/refresh', { user: pat, body: {} })
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual(form('client_rejected'))
    expect(answer.body.error.hint).toContain('GOOGLE_CLIENT_SECRET')
    // The operator's mistake: no user's connection is broken by it.
    expect(await statuses()).toEqual(['connected'])
  })

  it('database down', async () => {
    // A pool for each, as the driver waits longer before each new try.
    const pools = Array.from({ length: 3 }, () => connect('postgresql://postgres@127.0.0.1:1/postgres', 1))
    const ask = async (sql: Sql, path: string, options: CallOptions = {}) => {
      await using down = await startTestApi({ sql })
      const user = { id: pat.id, jwt: await down.signJwt({ sub: pat.id }) }
      const answer = await down.call(path, { user, ...options })
      return answer
    }
    const [first, second, third] = pools
    const headers = { 'cf-connecting-ip': '192.0.2.1' }
    const answers = await Promise.all([
      ask(first!, 'integrations'),
      ask(second!, 'oauth-authorize', { body: { provider: 'google-drive' }, headers }),
      // The state is not used up: reloading the page completes the connection once the database is back.
      ask(third!, 'oauth-callback/google-drive?code=x&state=y', { headers }),
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(503)
      expect(answer.body).toEqual(form('database_unavailable'))
    }
  })
})

// The last one: it looks at what all others have left behind.
it('no answer and no line of the log has a token, a code or a state in it', async () => {
  expect(api.answers.length).toBeGreaterThan(300)
  const issued = (await Promise.all((await api.sandbox.providers()).map((id) => api.sandbox.control(id).tokens()))).flat()
  expect(issued.length).toBeGreaterThan(20)
  const shown = api.answers.join('\n') + api.runtime.logged()
  expect(issued.filter((token) => shown.includes(token))).toEqual([])
  expect(secretsIn(shown)).toEqual([])
})

async function statuses(): Promise<string[]> {
  const rows = await api.sql<{ status: string }[]>`select status from public.integrations order by created_at`
  return rows.map(({ status }) => status)
}
