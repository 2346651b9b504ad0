import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@supabase/supabase-js'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { connectServiceAccount } from '../../src/shared/oauth/connect.ts'
import { tokenSource } from '../../src/shared/oauth/tokens.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { completeEnv, createRuntime, eventsOf, secretsIn, tokenKey } from './support.ts'

// The Edge Functions under Deno, with the real Auth, Postgres and sandbox behind them.

const app = 'http://localhost:3000'
const tokenKeys = tokenKey('k1')
const tokenPath = { host: 'oauth2.googleapis.com', path: '/token' }

let platform: TestPlatform
let sandbox: Sandbox
let google: ReturnType<typeof sandboxClient>
let dataDir: string
let pat: User
let eve: User
/** Every answer of a function: status, headers and body. */
const answers: string[] = []

interface User {
  id: string
  jwt: string
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'patchbay-flow-'))
  sandbox = await startSandbox()
  google = sandboxClient(sandbox.url)
  platform = await startTestPlatform({
    dataDir,
    sandboxUrl: sandbox.url,
    functionEnv: {
      GOOGLE_CLIENT_ID: 'sandbox-client',
      GOOGLE_CLIENT_SECRET: 'sandbox-secret',
      CONNECTOR_SANDBOX_URL: sandbox.url,
      CONNECTOR_REDIRECT_URLS: `${app}/settings,${app}/integrations`,
      CONNECTOR_TOKEN_KEYS: tokenKeys,
      CONNECTOR_LOG_LEVEL: 'debug',
    },
  })
  pat = await signUp()
  eve = await signUp()
})

afterEach(async () => {
  await google.clearFaults()
  await platform.sql`delete from public.integrations`
  await platform.sql`delete from patchbay.oauth_states`
})

afterAll(async () => {
  await platform.stop()
  await sandbox.close()
  await rm(dataDir, { recursive: true, force: true })
})

describe('the server-driven form', () => {
  it('connects the account of the user who asked, and tells the app in one flag', async () => {
    const begun = await authorize(pat, { provider: 'google-drive', redirect_to: `${app}/settings/drive?tab=2` })
    expect(begun).toEqual({
      status: 200,
      body: { url: expect.stringContaining(`${platform.url}/functions/v1/oauth-start/google-drive?ticket=`), expires_in: 120 },
    })

    const browser = new Browser()
    const started = await browser.open(begun.body.url, app)
    expect(started.status).toBe(303)
    expect(started.headers.get('cache-control')).toBe('no-store')
    expect(started.headers.get('referrer-policy')).toBe('no-referrer')
    expect(started.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-patchbay-[0-9a-f]{16}=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=600$/),
    ])

    const callback = await approveConsent(locationOf(started))
    expect(callback).toContain('/oauth-callback/google-drive?')
    const ended = await browser.open(callback)
    expect(ended.status).toBe(303)
    expect(locationOf(ended)).toBe(`${app}/settings/drive?tab=2&google-drive_connected=true`)
    expect(ended.headers.get('cache-control')).toBe('no-store')
    expect(ended.headers.get('referrer-policy')).toBe('no-referrer')
    expect(ended.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-patchbay-[0-9a-f]{16}=; .*Max-Age=0$/)])
    expect(await ended.text()).toBe('')

    expect(await integrations()).toEqual([
      {
        user_id: pat.id,
        provider: 'google-drive',
        account_label: 'pat@example.com',
        status: 'connected',
        scopes: ['https://www.googleapis.com/auth/drive.metadata.readonly'],
        version: '1',
      },
    ])
    expect(await openStates()).toBe(0)
  })

  it('sends users without a page of their own to the first one of the app', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    expect(locationOf(await browser.open(callback))).toBe(`${app}/settings?google-drive_connected=true`)
  })

  it('serves two tabs at the same time', async () => {
    const browser = new Browser()
    const tabs = await Promise.all([authorize(pat, {}), authorize(pat, {})])
    const pages = await Promise.all(tabs.map(async ({ body }) => locationOf(await browser.open(body.url, app))))
    const ends = []
    for (const page of pages) ends.push(locationOf(await browser.open(await approveConsent(page))))
    expect(ends).toEqual([connected, connected])
  })

  it('keeps the integration when its account is connected again, and adds one for another account', async () => {
    await connectAs(pat)
    const [before] = await platform.sql`select id from public.integrations`
    await connectAs(pat)
    expect(await platform.sql`select id from public.integrations`).toEqual([before])
    expect(await integrations()).toMatchObject([{ version: '2' }])
    await connectAs(pat, 'sam@example.com')
    expect(await integrations()).toHaveLength(2)
  })

  it('uses a start URL once', async () => {
    const begun = await authorize(pat, {})
    await new Browser().open(begun.body.url, app)
    const again = await new Browser().open(begun.body.url, app)
    expect(locationOf(again)).toBe(failed('state_invalid'))
    expect(again.headers.getSetCookie()).toEqual([])
  })

  it('refuses a start URL that has expired, that nobody was given, or without a ticket', async () => {
    const begun = await authorize(pat, {})
    await platform.sql`update patchbay.oauth_states set expires_at = now()`
    const base = `${platform.url}/functions/v1/oauth-start/google-drive`
    for (const url of [begun.body.url, `${base}?ticket=guess`, base]) {
      expect(locationOf(await new Browser().open(url, app))).toBe(failed('state_invalid'))
    }
  })

  it.each([
    ['no page at all', undefined],
    ['a page of somebody else', 'https://evil.example'],
    ["a page whose address begins like the app's", 'http://localhost.evil.example:3000'],
    ['another port of the same machine', 'http://localhost:3001'],
  ])("does not let a user be sent to another's start URL from %s", async (_what, from) => {
    // Eve asks to connect, and makes Pat open her start URL: Pat's account would become hers.
    const begun = await authorize(eve, {})
    const victim = new Browser()
    const answer = await victim.open(begun.body.url, from)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('location')).toBeNull()
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(await answer.json()).toEqual({
      error: { code: 'forbidden', message: expect.any(String), hint: expect.stringContaining('Referrer-Policy') },
    })
    // It is still there for the one whose it is.
    expect((await new Browser().open(begun.body.url, app)).headers.get('location')).toContain('accounts.google.com')
  })
})

describe('the callback', () => {
  it("refuses a browser that did not begin: somebody was sent another's consent page", async () => {
    // Eve goes as far as the consent page and sends its address to Pat, who agrees.
    const eves = new Browser()
    const page = locationOf(await eves.open((await authorize(eve, {})).body.url, app))
    const callback = await approveConsent(page)
    const before = (await google.control('google-drive').tokenStats()).authorization_code.requests
    expect(locationOf(await new Browser().open(callback))).toBe(failed('browser_mismatch'))
    // And it is used up, also for Eve's own browser.
    expect(locationOf(await eves.open(callback))).toBe(failed('state_invalid'))
    expect((await google.control('google-drive').tokenStats()).authorization_code.requests).toBe(before)
    expect(await integrations()).toEqual([])
  })

  it('refuses the cookie of another transaction', async () => {
    const one = await untilCallback(eve, {})
    const other = await untilCallback(pat, {})
    const [name] = one.browser.cookies.keys()
    const [value] = other.browser.cookies.values()
    const mixed = new Browser()
    mixed.cookies.set(name ?? '', value ?? '')
    expect(locationOf(await mixed.open(one.callback))).toBe(failed('browser_mismatch'))
  })

  it('refuses a replay, and leaves the connection as it is', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    const cookies = new Map(browser.cookies)
    expect(locationOf(await browser.open(callback))).toBe(connected)
    const again = new Browser()
    for (const [name, value] of cookies) again.cookies.set(name, value)
    expect(locationOf(await again.open(callback))).toBe(failed('state_invalid'))
    expect(await integrations()).toMatchObject([{ status: 'connected', version: '1' }])
  })

  it('lets one of many identical callbacks through', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    const ends = await Promise.all(Array.from({ length: 10 }, async () => locationOf(await browser.open(callback))))
    expect(ends.filter((end) => end === connected)).toHaveLength(1)
    expect(ends.filter((end) => end === failed('state_invalid'))).toHaveLength(9)
  })

  it('refuses a state that is not ours, one that is a ticket, and none', async () => {
    const ticket = new URL((await authorize(pat, {})).body.url).searchParams.get('ticket') ?? ''
    const base = `${platform.url}/functions/v1/oauth-callback/google-drive`
    for (const query of [
      '?code=c',
      '?code=c&state=',
      '?code=c&state=foreign',
      `?code=c&state=${ticket}`,
      '?error=access_denied&state=foreign',
    ]) {
      expect(locationOf(await new Browser().open(base + query)), query).toBe(failed('state_invalid'))
    }
    // Some providers tell by no word at all that the user declined.
    expect(locationOf(await new Browser().open(base))).toBe(failed('access_denied'))
  })

  it('refuses a state after ten minutes', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    await platform.sql`update patchbay.oauth_states set expires_at = now()`
    expect(locationOf(await browser.open(callback))).toBe(failed('state_invalid'))
  })

  it.each(['code', 'iss', 'scope'])('refuses %s given twice', async (name) => {
    const { callback, browser } = await untilCallback(pat, {})
    const url = new URL(callback)
    url.searchParams.append(name, url.searchParams.get(name) ?? '')
    expect(locationOf(await browser.open(url.href))).toBe(failed('invalid_request'))
    expect(locationOf(await browser.open(callback))).toBe(failed('state_invalid'))
    expect(await integrations()).toEqual([])
  })

  it('refuses two states, whichever of them is right', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    expect(locationOf(await browser.open(`${callback}&state=other`))).toBe(failed('state_invalid'))
    expect(await integrations()).toEqual([])
  })

  it('refuses an answer of another issuer, before it uses the code', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    const url = new URL(callback)
    url.searchParams.set('iss', 'https://evil.example')
    const before = (await google.control('google-drive').tokenStats()).authorization_code.requests
    expect(locationOf(await browser.open(url.href))).toBe(failed('issuer_mismatch'))
    expect((await google.control('google-drive').tokenStats()).authorization_code.requests).toBe(before)
  })

  it('tells the app that the user declined, and uses up the state', async () => {
    const { callback, browser } = await untilCallback(pat, {}, { deny: true })
    expect(callback).toContain('error=access_denied')
    expect(locationOf(await browser.open(callback))).toBe(failed('access_denied'))
    expect(await openStates()).toBe(0)
    expect(await integrations()).toEqual([])
  })

  it('refuses a code that the provider never gave', async () => {
    const { callback, browser } = await untilCallback(pat, {})
    const url = new URL(callback)
    url.searchParams.set('code', '4/0Astolen')
    expect(locationOf(await browser.open(url.href))).toBe(failed('code_rejected'))
  })

  it('refuses a code that was issued for another transaction: its verifier does not fit', async () => {
    const victims = await untilCallback(pat, {})
    const eves = await untilCallback(eve, {})
    const injected = new URL(eves.callback)
    injected.searchParams.set('code', new URL(victims.callback).searchParams.get('code') ?? '')
    expect(locationOf(await eves.browser.open(injected.href))).toBe(failed('code_rejected'))
    expect(await integrations()).toEqual([])
  })

  it.each([
    ['provider_unavailable', { type: 'server-error', status: 503, html: true }],
    ['provider_rate_limited', { type: 'rate-limit' }],
    ['provider_answer_invalid', { type: 'html' }],
    ['provider_unreachable', { type: 'cut-body' }],
    ['client_rejected', { type: 'error', status: 401, body: { error: 'invalid_client' } }],
    [
      'missing_scope',
      { type: 'error', status: 200, body: { access_token: 'ya29.x', token_type: 'Bearer', expires_in: 3599, scope: 'openid' } },
    ],
  ] as const)('reports %s when the token endpoint fails that way', async (code, fault) => {
    const { callback, browser } = await untilCallback(pat, {})
    await google.addFault({ match: tokenPath, fault, times: 'always' })
    expect(locationOf(await browser.open(callback))).toBe(failed(code))
    expect(await integrations()).toEqual([])
  })

  it('knows no provider of another name', async () => {
    for (const path of [
      'oauth-callback/nobody?state=x',
      'oauth-callback',
      'oauth-start/nobody',
      'oauth-callback/google-drive/x',
    ]) {
      const answer = await new Browser().open(`${platform.url}/functions/v1/${path}`, app)
      expect(answer.status, path).toBe(404)
      expect(await answer.json()).toMatchObject({ error: { code: 'unknown_provider' } })
    }
  })

  it('takes no other method', async () => {
    for (const [method, path] of [
      ['PUT', 'oauth-callback/google-drive'],
      ['POST', 'oauth-start/google-drive'],
      ['GET', 'oauth-authorize'],
    ] as const) {
      const answer = await send(path, { method, headers: { authorization: `Bearer ${pat.jwt}` } })
      expect(answer.status, path).toBe(405)
      expect(answer.body).toMatchObject({ error: { code: 'method_not_allowed' } })
    }
  })
})

describe('oauth-authorize', () => {
  it('demands the JWT of a user', async () => {
    const { keys } = platform
    const shown = {
      none: undefined,
      'the anon key': `Bearer ${keys.anonKey}`,
      'the service key': `Bearer ${keys.serviceRoleKey}`,
      'the publishable key': `Bearer ${keys.publishableKey}`,
      'a forged JWT': `Bearer ${await signUser(pat.id, `${keys.jwtSecret}x`)}`,
      'an expired JWT': `Bearer ${await signUser(pat.id, keys.jwtSecret, '-1 minute')}`,
      'a changed JWT': `Bearer ${changed(pat.jwt, eve.id)}`,
    }
    for (const [what, authorization] of Object.entries(shown)) {
      const headers = { apikey: keys.publishableKey, ...(authorization === undefined ? {} : { authorization }) }
      const answer = await send('oauth-authorize', { method: 'POST', headers, body: '{"provider":"google-drive"}' })
      expect(answer, what).toEqual({
        status: 401,
        body: { error: { code: 'unauthorized', message: expect.any(String), hint: expect.any(String) } },
      })
    }
    expect(await openStates()).toBe(0)
  })

  it.each([
    `${app}.evil.example/settings`,
    `http://localhost:3000@evil.example/settings`,
    `${app}\\@evil.example/settings`,
    `${app}/settings/../admin`,
    `${app}/settings-of-eve`,
    'https://localhost:3000/settings',
    '//evil.example',
    'javascript:alert(1)',
  ])('lets no user return to %s', async (target) => {
    expect(await authorize(pat, { redirect_to: target })).toMatchObject({
      status: 400,
      body: { error: { code: 'redirect_not_allowed' } },
    })
    expect(await authorize(pat, { flow: 'client', redirect_uri: target })).toMatchObject({
      status: 400,
      body: { error: { code: 'redirect_not_allowed' } },
    })
  })

  it.each([
    ["another user's id", { user_id: randomUUID() }],
    ['a form that does not exist', { flow: 'implicit' }],
    ["the other form's page", { redirect_uri: `${app}/settings` }],
    ["the other form's page, too", { flow: 'client', redirect_to: `${app}/settings` }],
    ['a page that is no text', { redirect_to: 7 }],
    ['no page that takes the code', { flow: 'client' }],
  ])('refuses %s', async (_what, body) => {
    expect(await authorize(pat, body)).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
    expect(await openStates()).toBe(0)
  })

  it('refuses what is not JSON, what is too large, and an unknown provider', async () => {
    const post = (body: string) =>
      send('oauth-authorize', { method: 'POST', headers: { authorization: `Bearer ${pat.jwt}` }, body })
    expect(await post('provider=google-drive')).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
    expect(await post(JSON.stringify({ provider: 'google-drive', padding: 'x'.repeat(11_000) }))).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request', message: expect.stringContaining('larger') } },
    })
    expect(await authorize(pat, { provider: 'nobody' })).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown_provider' } },
    })
  })

  it('can be called by supabase-js from another origin', async () => {
    const preflight = await fetch(`${platform.url}/functions/v1/oauth-authorize`, {
      method: 'OPTIONS',
      headers: { origin: app, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,apikey' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    const client = createClient(platform.url, platform.keys.publishableKey, {
      global: { headers: { authorization: `Bearer ${pat.jwt}` } },
    })
    const { data, error } = await client.functions.invoke('oauth-authorize', { body: { provider: 'google-drive' } })
    expect(error).toBeNull()
    expect(data).toMatchObject({ expires_in: 120 })
  })
})

describe('the client-driven form', () => {
  const page = `${app}/integrations/google/callback`

  it('connects the user who began, when the app hands in the code', async () => {
    const { state, code } = await untilCode(pat)
    const answer = await complete(pat, { code, state })
    expect(answer).toEqual({
      status: 200,
      body: {
        integration_id: expect.any(String),
        provider: 'google-drive',
        status: 'connected',
        account_id: '06213157438716493857',
        account_label: 'pat@example.com',
        scopes: ['https://www.googleapis.com/auth/drive.metadata.readonly'],
        tenant: null,
      },
    })
    expect(await integrations()).toMatchObject([{ user_id: pat.id, status: 'connected' }])
  })

  it('refuses another user, so that nobody is made to hand in a code of theirs for somebody else', async () => {
    // Eve begins, Pat consents on her page and lands in the app, which hands in the code as Pat.
    const { state, code } = await untilCode(eve)
    expect(await complete(pat, { code, state })).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
    // Used up: Eve cannot hand it in herself.
    expect(await complete(eve, { code, state })).toMatchObject({ status: 400, body: { error: { code: 'state_invalid' } } })
    expect(await integrations()).toEqual([])
  })

  it('refuses nobody, a forged JWT and an expired one, and leaves the state to its user', async () => {
    const { state, code } = await untilCode(pat)
    const { jwtSecret, anonKey } = platform.keys
    for (const jwt of [
      undefined,
      anonKey,
      await signUser(pat.id, `${jwtSecret}x`),
      await signUser(pat.id, jwtSecret, '-1 minute'),
    ]) {
      const headers = jwt === undefined ? {} : { authorization: `Bearer ${jwt}` }
      const answer = await send('oauth-callback', { method: 'POST', headers, body: JSON.stringify({ code, state }) })
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } })
    }
    expect(await complete(pat, { code, state })).toMatchObject({ status: 200 })
  })

  it('uses a state once', async () => {
    const { state, code } = await untilCode(pat)
    const all = await Promise.all(Array.from({ length: 5 }, () => complete(pat, { code, state })))
    // One is served; the others are told what is wrong with the state, and not that the code was refused.
    const refused = { status: 400, body: { error: { code: 'state_invalid' } } }
    expect(all.toSorted((a, b) => a.status - b.status)).toMatchObject([{ status: 200 }, refused, refused, refused, refused])
  })

  it('checks the issuer and the provider when the app hands them in', async () => {
    for (const wrong of [{ iss: 'https://evil.example' }, { provider: 'slack' }]) {
      const { state, code } = await untilCode(pat)
      expect(await complete(pat, { code, state, ...wrong })).toMatchObject({ status: 400 })
    }
    const { state, code } = await untilCode(pat)
    expect(await complete(pat, { code, state, iss: 'https://accounts.google.com', provider: 'google-drive' })).toMatchObject({
      status: 200,
    })
  })

  it('does not mix with the server-driven form, in either direction', async () => {
    const { state, code } = await untilCode(pat)
    const get = `${platform.url}/functions/v1/oauth-callback/google-drive?${new URLSearchParams({ code, state }).toString()}`
    expect(locationOf(await new Browser().open(get))).toBe(failed('state_invalid'))

    const server = await untilCallback(pat, {})
    const taken = Object.fromEntries(new URL(server.callback).searchParams)
    expect(await complete(pat, { code: taken['code'], state: taken['state'] })).toMatchObject({
      status: 400,
      body: { error: { code: 'state_invalid' } },
    })
    expect(await integrations()).toEqual([])
  })

  async function untilCode(user: User): Promise<{ code: string; state: string }> {
    const { body } = await authorize(user, { flow: 'client', redirect_uri: page })
    expect(body).toEqual({
      auth_url: expect.stringContaining('accounts.google.com'),
      state: expect.stringMatching(/^[\w-]{43}$/),
    })
    const callback = new URL(await approveConsent(body.auth_url))
    expect(callback.origin + callback.pathname).toBe(page)
    expect(callback.searchParams.get('state')).toBe(body.state)
    return { code: callback.searchParams.get('code') ?? '', state: body.state }
  }

  function complete(user: User, body: object): Promise<Answer> {
    return send('oauth-callback', {
      method: 'POST',
      headers: { authorization: `Bearer ${user.jwt}` },
      body: JSON.stringify(body),
    })
  }
})

describe('a connection that is made anew', () => {
  it('is the same one when its owner signs in to the same account', async () => {
    await connectAs(pat)
    const id = await onlyIntegration()
    const { browser, callback } = await untilCallback(pat, { integration_id: id })
    expect(locationOf(await browser.open(callback))).toBe(connected)
    expect(await integrations()).toMatchObject([{ user_id: pat.id, status: 'connected', version: '2' }])
    expect(await onlyIntegration()).toBe(id)
    expect(await eventsOf(platform.sql, id)).toEqual(['connected', 'reconnected'])
  })

  it('is refused for another account, and nothing changes', async () => {
    await connectAs(pat)
    const id = await onlyIntegration()
    const row = () => platform.sql`
      select i.*, s.version, s.access_token_jwe from public.integrations i join patchbay.secrets s on s.integration_id = i.id`
    const before = [...(await row())]
    const { browser, callback } = await untilCallback(pat, { integration_id: id }, { account: 'sam@example.com' })
    expect(locationOf(await browser.open(callback))).toBe(failed('account_mismatch'))
    expect([...(await row())]).toEqual(before)
    const [line] = await platform.sql`
      select user_id, event, reason, actor, source from public.audit_log order by created_at desc limit 1`
    expect(line).toEqual({
      user_id: pat.id,
      event: 'connect_failed',
      reason: 'account_mismatch',
      actor: 'user',
      source: 'oauth-callback',
    })
  })

  it("is not begun for another user's", async () => {
    await connectAs(pat)
    const asked = { integration_id: await onlyIntegration() }
    expect(await authorize(eve, asked)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } })
    expect(await openStates()).toBe(0)
  })

  async function onlyIntegration(): Promise<string> {
    const rows = await platform.sql<{ id: string }[]>`select id from public.integrations`
    expect(rows).toHaveLength(1)
    return rows[0]?.id ?? ''
  }
})

describe('a stored connection', () => {
  it('is refreshed when its access token has expired, and asks the owner when Google refuses', async () => {
    await connectAs(pat)
    const [row] = await platform.sql<{ id: string }[]>`select id from public.integrations`
    const { runtime, sql } = openRuntime()
    const tokens = () => tokenSource(runtime, findProvider('google-drive'), row?.id ?? '')
    const first = await tokens().get()
    expect(first.accessToken).toMatch(/^ya29\./)
    await platform.sql`update patchbay.secrets set expires_at = now()`
    const second = await tokens().get()
    expect(second.accessToken).not.toBe(first.accessToken)
    expect(second.version).toBe(2n)

    await google.control('google-drive').revokeGrants('pat@example.com')
    await platform.sql`update patchbay.secrets set expires_at = now()`
    await expect(tokens().get()).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(await integrations()).toMatchObject([{ status: 'needs_reauth' }])
    await connectAs(pat)
    expect(await integrations()).toMatchObject([{ status: 'connected' }])
    expect((await tokens().get()).accessToken).toMatch(/^ya29\./)
    await sql.end()
  })

  it("can be the operator's service account, given to one user", async () => {
    const key = JSON.stringify(await googleSandbox(sandbox.url).serviceAccount())
    const { runtime, sql } = openRuntime({ CONNECTOR_GOOGLE_DRIVE_CREDENTIALS: key })
    const definition = findProvider('google-drive')
    const connection = await connectServiceAccount(runtime, definition, pat.id)
    expect(connection.accountLabel).toMatch(/gserviceaccount\.com$/)
    const [row] = await platform.sql`select user_id, grant_type, status from public.integrations where id = ${connection.id}`
    expect(row).toEqual({ user_id: pat.id, grant_type: 'service_account', status: 'connected' })

    const first = await tokenSource(runtime, definition, connection.id).get()
    await platform.sql`update patchbay.secrets set expires_at = now()`
    const second = await tokenSource(runtime, definition, connection.id).get()
    expect(second.accessToken).not.toBe(first.accessToken)
    await sql.end()
  })

  function openRuntime(more: Record<string, string> = {}) {
    const sql = connect(platform.dbUrl, 2)
    const env = {
      ...completeEnv(),
      CONNECTOR_SANDBOX_URL: sandbox.url,
      CONNECTOR_TOKEN_KEYS: tokenKeys,
      GOOGLE_CLIENT_ID: 'sandbox-client',
      GOOGLE_CLIENT_SECRET: 'sandbox-secret',
      ...more,
    }
    return { runtime: createRuntime(sql, env), sql }
  }
})

// The last one: it looks at what all others have left behind.
describe('no token', () => {
  it('was in any answer, or in the log of any function', async () => {
    expect(answers.length).toBeGreaterThan(100)
    // A start URL and the client form's address carry what they must; nothing carries a code's yield.
    expect(answers.flatMap(secretsIn)).toEqual([])
    const logs = await readdir(join(dataDir, 'logs'))
    expect(logs).toEqual(expect.arrayContaining(['oauth-authorize.log', 'oauth-callback.log', 'oauth-start.log']))
    const logged = await Promise.all(logs.map((name) => readFile(join(dataDir, 'logs', name), 'utf8')))
    expect(logged.join()).toContain('browser_mismatch')
    expect(secretsIn(logged.join())).toEqual([])
    expect(logged.join()).not.toMatch(/ticket=|state=|code=/)
  })

  it('is in any row, not even in part', async () => {
    await connectAs(pat)
    const tables = await platform.sql<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'patchbay')`
    for (const { name } of tables) {
      const [dump] = await platform.sql<{ text: string | null }[]>`
        select string_agg(to_jsonb(t)::text, ' ') as text from ${platform.sql.unsafe(name)} t`
      expect(secretsIn(dump?.text ?? ''), name).toEqual([])
    }
  })
})

const connected = `${app}/settings?google-drive_connected=true`
const failed = (code: string) => `${app}/settings?google-drive_error=${code}`

// oxlint-disable-next-line typescript/no-explicit-any -- the tests say what is in it
type Answer = { status: number; body: any }

/** Follows no redirect by itself; sends the origin of the page it comes from, as browsers do, and the cookies of the functions' host. */
class Browser {
  readonly cookies = new Map<string, string>()

  async open(url: string, from?: string): Promise<Response> {
    const headers = new Headers()
    if (from !== undefined) headers.set('referer', `${from}/`)
    if (this.cookies.size > 0) headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (/Max-Age=0\b/.test(cookie)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    await remember(response)
    return response
  }
}

async function remember(response: Response): Promise<void> {
  answers.push(
    [response.status, ...[...response.headers].map((header) => header.join(': ')), await response.clone().text()].join('\n'),
  )
}

async function send(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(`${platform.url}/functions/v1/${path}`, init)
  await remember(response)
  return { status: response.status, body: await response.json() }
}

function authorize(user: User, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${user.jwt}`, 'content-type': 'application/json' }
  return send('oauth-authorize', { method: 'POST', headers, body: JSON.stringify({ provider: 'google-drive', ...body }) })
}

/** Everything up to the moment when the provider sends the browser back. */
async function untilCallback(user: User, body: object, choice: Parameters<typeof approveConsent>[1] = {}) {
  const browser = new Browser()
  const page = locationOf(await browser.open((await authorize(user, body)).body.url, app))
  return { browser, callback: await approveConsent(page, choice) }
}

async function connectAs(user: User, account = 'pat@example.com'): Promise<void> {
  const { browser, callback } = await untilCallback(user, {}, { account })
  expect(locationOf(await browser.open(callback))).toBe(connected)
}

function locationOf(response: Response): string {
  expect(response.status).toBe(303)
  return response.headers.get('location') ?? ''
}

async function integrations(): Promise<unknown[]> {
  return [
    ...(await platform.sql`
      select i.user_id, i.provider, i.account_label, i.status, i.scopes, s.version
      from public.integrations i left join patchbay.secrets s on s.integration_id = i.id order by i.created_at`),
  ]
}

async function openStates(): Promise<number> {
  return (await platform.sql`select from patchbay.oauth_states`).length
}

async function signUp(): Promise<User> {
  const client = createClient(platform.url, platform.keys.publishableKey, { auth: { persistSession: false } })
  const { data, error } = await client.auth.signUp({ email: `${randomUUID()}@example.com`, password: randomUUID() })
  if (error !== null) throw error
  return { id: data.user?.id ?? '', jwt: data.session?.access_token ?? '' }
}

/** A JWT like those of the project's Auth server. */
function signUser(id: string, secret: string, expires = '1 hour'): Promise<string> {
  return new SignJWT({ role: 'authenticated', aud: 'authenticated', session_id: randomUUID() })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(id)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret))
}

/** The same JWT with another subject, and the signature of the first. */
function changed(jwt: string, subject: string): string {
  const [header, payload = '', signature] = jwt.split('.')
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: subject }
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
}
