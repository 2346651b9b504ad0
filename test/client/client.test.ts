import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createClient } from '@supabase/supabase-js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPatchbay, PatchbayClientError, procoreActions, type Patchbay } from '../../src/client/index.ts'
import { connectProviders } from '../../src/local/demo/connections.ts'
import { Browser } from '../../src/local/demo/browser.ts'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { type ClientUser, signUp } from './people.ts'

// The client against the Edge Functions under Deno, with the real Auth, Postgres and sandbox behind them.

const settings = 'http://localhost:3000/settings'
const procorePage = 'http://localhost:3000/integrations/procore/callback'

let platform: TestPlatform
let sandbox: Sandbox
let user: ClientUser
let patchbay: Patchbay

beforeAll(async () => {
  sandbox = await startSandbox()
  platform = await startTestPlatform({
    sandboxUrl: sandbox.url,
    functionEnv: {
      ...sandboxEnv(sandbox.url),
      PROCORE_REDIRECT_URI: procorePage,
      CONNECTOR_REDIRECT_URLS: settings,
      CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    },
  })
  user = await signUp(platform)
  patchbay = createPatchbay(user.supabase)
})

afterEach(async () => {
  vi.unstubAllGlobals()
  await platform.sql`delete from public.integrations`
})

afterAll(async () => {
  await platform.stop()
  await sandbox.close()
})

describe('in a page', () => {
  it('leaves for the provider, and ends the connection on the page that the user comes back to', async () => {
    const page = openPage(settings)
    const { url } = await patchbay.connect('google-drive', { redirectTo: `${settings}/drive?tab=2#files` })
    expect(page.visited).toEqual([url])

    await page.followConsent(url)
    expect(page.location.href).toBe(`${settings}/drive?tab=2&google-drive_connected=true#files`)
    expect(await patchbay.completeConnection()).toMatchObject({
      provider: 'google-drive',
      status: 'authenticated',
      connected: true,
      hasValidToken: true,
      accountLabel: 'pat@example.com',
      missingScopes: [],
    })
    expect(page.location.href).toBe(`${settings}/drive?tab=2#files`)
    // What a router keeps with its entry stays.
    expect(page.history.state).toEqual({ key: 'router' })
    // A reload, or a second effect of the same page.
    expect(await patchbay.completeConnection()).toBeNull()
  })

  it('says why the user came back without a connection', async () => {
    const page = openPage(settings)
    const { url } = await patchbay.connect('outlook', { redirectTo: settings })
    await page.followConsent(url, { deny: true })
    await expect(patchbay.completeConnection()).rejects.toMatchObject({
      name: 'PatchbayClientError',
      code: 'access_denied',
      message: 'The connection was declined at the provider.',
      hint: 'Connect again, and agree.',
      status: undefined,
    })
    expect(page.location.href).toBe(settings)
    expect(await patchbay.status('outlook')).toMatchObject({ status: 'not_connected', connected: false, count: 0 })
  })

  it('takes the code itself in the client-driven form, and clears it from the address before it is used', async () => {
    const page = openPage(settings)
    const { url, state } = await patchbay.connect('google-calendar', { flow: 'client', redirectTo: settings })
    expect(page.visited).toEqual([url])
    expect(new URL(url).searchParams.get('state')).toBe(state)
    page.location.href = await approveConsent(url)
    expect(page.location.href).toContain('code=')

    const completed = patchbay.completeConnection()
    expect(page.location.href).not.toMatch(/code|state|iss=|scope/)
    expect(await completed).toMatchObject({ provider: 'google-calendar', connected: true })
  })

  it('believes no address', async () => {
    const page = openPage(`${settings}?google-drive_connected=true`)
    expect(await patchbay.completeConnection()).toMatchObject({ connected: false, status: 'not_connected' })

    page.location.href = `${settings}?slack_error=${encodeURIComponent('Call +1 555 0100 to mend your account')}`
    await expect(patchbay.completeConnection()).rejects.toMatchObject({
      code: 'unexpected_answer',
      message: 'The connection failed, and the address does not say why.',
    })
    page.location.href = `${settings}?code=stolen&state=guessed`
    await expect(patchbay.completeConnection()).rejects.toMatchObject({ code: 'state_invalid', status: 400 })
  })
})

describe('outside a page', () => {
  it('returns the address and goes nowhere', async () => {
    const { url } = await patchbay.connect('google-drive', { redirectTo: settings })
    expect(url).toContain(`${platform.url}/functions/v1/oauth-start/google-drive?ticket=`)
    await expect(patchbay.completeConnection()).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await patchbay.completeConnection(`${settings}?tab=2`)).toBeNull()
    expect(await patchbay.completeConnection(new URL('?code=of-another-sign-in', settings))).toBeNull()
  })

  it('refreshes, disconnects and reconnects the same integration', async () => {
    const before = await connectAs('google-drive')
    const sandboxed = sandboxClient(sandbox.url).control('google-drive')

    expect(await patchbay.refresh('google-drive')).toEqual({
      status: 'authenticated',
      hasValidToken: true,
      expiresAt: expect.any(String),
    })
    expect((await sandboxed.tokenStats()).refresh_token.issued).toBe(1)
    expect(await patchbay.integrations()).toMatchObject([{ provider: 'google-drive', integrationId: before.integrationId }])

    expect(await patchbay.disconnect('google-drive')).toEqual({ status: 'disconnected' })
    expect(await patchbay.disconnect('google-drive', { deleteRows: true })).toEqual({ status: 'disconnected' })
    expect(await patchbay.status('google-drive')).toMatchObject({ status: 'disconnected', hasValidToken: false })
    await expect(patchbay.refresh('google-drive')).rejects.toBeInstanceOf(PatchbayClientError)

    const { url } = await patchbay.reconnect('google-drive', { redirectTo: settings, navigate: false })
    const after = await patchbay.completeConnection(await visit(url))
    expect(after).toMatchObject({ status: 'authenticated', integrationId: before.integrationId })
  })

  it('names the integration that is meant, where a user has several', async () => {
    const first = await connectAs('google-drive')
    const second = await connectAs('google-drive', { account: 'sam@example.com' })
    expect(second).toMatchObject({ accountLabel: 'sam@example.com', count: 2 })
    await expect(patchbay.disconnect('google-drive')).rejects.toMatchObject({
      code: 'invalid_request',
      status: 400,
      message: expect.stringContaining('integration_id'),
    })
    await patchbay.disconnect('google-drive', { integrationId: first.integrationId! })
    expect(await patchbay.status('google-drive', { integrationId: first.integrationId! })).toMatchObject({ connected: false })
    expect(await patchbay.status('google-drive')).toMatchObject({ connected: true, integrationId: second.integrationId })
  })

  it('lists what there is to choose from', async () => {
    await connectAs('google-calendar')
    const calendars = await patchbay.list('google-calendar', 'calendars')
    expect(calendars.length).toBeGreaterThan(0)
    expect(calendars[0]).toEqual({ id: expect.any(String), label: expect.any(String) })
    await expect(patchbay.list('google-calendar', 'no such list/..')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })
})

describe('an address', () => {
  it('may have the flags of others beside ours', async () => {
    const connected = await connectAs('slack')
    const foreign = 'https://app.example/?facebook_connected=true&payment_error=declined'
    expect(await patchbay.completeConnection(`${foreign}&slack_connected=true`)).toMatchObject({
      integrationId: connected.integrationId,
    })
    await expect(patchbay.completeConnection(`${foreign}&slack_error=access_denied`)).rejects.toMatchObject({
      code: 'access_denied',
    })
    await expect(patchbay.completeConnection(`${foreign}&code=c&state=s`)).rejects.toMatchObject({ code: 'state_invalid' })
    expect(await patchbay.completeConnection(foreign)).toBeNull()
  })
})

describe('errors', () => {
  it('have the code, the message and the hint of the server', async () => {
    await expect(patchbay.connect('google-drive', { redirectTo: 'https://evil.example' })).rejects.toMatchObject({
      code: 'redirect_not_allowed',
      status: 400,
      hint: expect.stringContaining('CONNECTOR_REDIRECT_URLS'),
    })
    await expect(patchbay.status('nope')).rejects.toMatchObject({ code: 'unknown_provider', status: 404 })
    const nobody = createPatchbay(createClient(platform.url, platform.keys.publishableKey))
    await expect(nobody.integrations()).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
  })

  it('say when to come back', async () => {
    const eager = createPatchbay((await signUp(platform)).supabase)
    const calls = Array.from({ length: 130 }, () => eager.integrations().catch((error: unknown) => error))
    const refused = (await Promise.all(calls)).find((answer) => answer instanceof PatchbayClientError)
    expect(refused).toMatchObject({ code: 'rate_limited', status: 429, retryAfter: expect.any(Number) })
  })

  it('tell an answer that is not ours, and none, from one of ours', async () => {
    const server = createServer((_request, response) =>
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad</h1>'),
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const proxied = createPatchbay(createClient(url, 'sb_publishable_x'))
    await expect(proxied.status('slack')).rejects.toMatchObject({ code: 'unexpected_answer', status: 502 })
    server.close()
    await expect(proxied.status('slack')).rejects.toMatchObject({ code: 'network_error', status: undefined })
  })
})

describe("promise 8: what the seeds show, works as written: the Procore integration's actions", () => {
  it('connect, tell, list, refresh and disconnect', async () => {
    const actions = procoreActions(user.supabase)
    expect(await actions.getProcoreConnection()).toMatchObject({ status: 'not_connected' })

    const { url, state } = await actions.initiateProcoreConnection()
    const { searchParams } = new URL(await approveConsent(url))
    expect(searchParams.get('state')).toBe(state)
    const code = searchParams.get('code')!
    expect(await actions.completeProcoreConnection(code, state!)).toMatchObject({
      connected: true,
      accountLabel: 'pat@example.com',
    })
    await expect(actions.completeProcoreConnection(code, state!)).rejects.toMatchObject({ code: 'state_invalid' })

    // One company: there was nothing to choose.
    expect(await actions.getProcoreConnection()).toMatchObject({
      status: 'authenticated',
      tenant: { label: 'Cedar Ridge Builders' },
      tenantRequired: false,
    })
    expect(await actions.getProcoreCompanies()).toEqual([{ id: '8089', label: 'Cedar Ridge Builders' }])
    expect(await actions.refreshProcoreToken()).toMatchObject({ status: 'authenticated', hasValidToken: true })
    expect(await actions.disconnectProcore()).toEqual({ status: 'disconnected' })
    expect(await actions.getProcoreConnection()).toMatchObject({ status: 'disconnected', hasValidToken: false })
  })

  it('let a user of several companies choose, and choose none silently', async () => {
    const { initiateProcoreConnection, completeProcoreConnection, getProcoreCompanies } = procoreActions(user.supabase)
    const { url } = await initiateProcoreConnection()
    const { code = '', state = '' } = Object.fromEntries(
      new URL(await approveConsent(url, { account: 'kim@example.com' })).searchParams,
    )
    expect(await completeProcoreConnection(code, state)).toMatchObject({ connected: true, tenant: null, tenantRequired: true })

    const companies = await getProcoreCompanies()
    expect(companies.map(({ label }) => label)).toEqual(['Cedar Ridge Builders', 'Harborview Construction', 'Northside Civil'])
    await expect(patchbay.chooseTenant('procore', '1')).rejects.toMatchObject({ code: 'invalid_request', status: 400 })
    expect(await patchbay.chooseTenant('procore', companies[1]!.id)).toMatchObject({
      tenant: companies[1],
      tenantRequired: false,
    })
    expect(await patchbay.status('procore')).toMatchObject({ tenant: companies[1] })
  })
})

it('connects every provider of the registry, as npm start does, and reads something of each', async () => {
  const { connections, wrong } = await connectProviders(platform, { step: () => {}, progress: () => {}, done: () => {} })
  expect(wrong).toEqual([])
  expect(connections.map(({ provider }) => provider)).toEqual(providers.map(({ name }) => name))
  for (const { status, choices } of connections) {
    expect(status).toBe('authenticated')
    expect(choices).toMatch(/^[a-z]+: \d/)
  }
})

/** Everything between the start URL and the address that the browser ends at. */
async function visit(url: string, choice: ConsentChoice = {}): Promise<string> {
  const browser = new Browser()
  const consent = await browser.openRedirect(url, settings)
  return browser.openRedirect(await approveConsent(consent, choice))
}

async function connectAs(provider: string, choice: ConsentChoice = {}) {
  const { url } = await patchbay.connect(provider, { redirectTo: settings, navigate: false })
  const status = await patchbay.completeConnection(await visit(url, choice))
  expect(status).toMatchObject({ provider, connected: true })
  return status!
}

/** As much of a browser's page as the client touches. */
function openPage(href: string) {
  const visited: string[] = []
  const location = { href, assign: (url: string) => void visited.push(url) }
  const history = {
    state: { key: 'router' },
    replaceState: (state: unknown, _unused: string, url: string) => {
      expect(state).toEqual({ key: 'router' })
      location.href = url
    },
  }
  vi.stubGlobal('location', location)
  vi.stubGlobal('history', history)
  return {
    location,
    history,
    visited,
    followConsent: async (url: string, choice: ConsentChoice = {}) => {
      location.href = await visit(url, choice)
    },
  }
}
