import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts'

type Query = Record<string, string>

const app = { client_id: 'sandbox-client', client_secret: 'sandbox-secret', redirect_uri: 'http://127.0.0.1:9999/callback' }
const scope = 'offline_access User.Read Calendars.Read'
const lee = 'lee@outlook.example'

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string().default(''), scope: z.string() })
const Page = z.object({
  value: z.array(z.object({ id: z.string(), name: z.string() })),
  '@odata.nextLink': z.string().optional(),
})

/** A sandbox, and an app that uses it. */
async function open(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options)
  const { url } = sandbox
  const admin = sandboxClient(url)

  const authorizeUrl = (query: Query = {}, tenant = 'common') => {
    const all = { ...app, response_type: 'code', scope, state: 's1', ...query }
    return `${url}/login.microsoftonline.com/${tenant}/oauth2/v2.0/authorize?${new URLSearchParams(all).toString()}`
  }
  const consent = async (query: Query = {}, choice: ConsentChoice = {}, tenant = 'common') =>
    Object.fromEntries(new URL(await approveConsent(authorizeUrl(query, tenant), choice)).searchParams)
  const token = async (form: Query, tenant = 'common', headers: Query = {}) => {
    const path = `${url}/login.microsoftonline.com/${tenant}/oauth2/v2.0/token`
    const answer = await fetch(path, { method: 'POST', body: new URLSearchParams({ ...app, ...form }), headers })
    return { status: answer.status, body: await answer.json() }
  }
  const exchange = (code = '', form: Query = {}) => token({ grant_type: 'authorization_code', code, ...form })
  const refresh = (value: string) => token({ grant_type: 'refresh_token', refresh_token: value })
  const connect = async (choice: ConsentChoice = {}, query: Query = {}) =>
    Tokens.parse((await exchange((await consent(query, choice))['code'])).body)
  /** `path` may be one of Microsoft's own addresses. */
  const get = (bearer: string, path: string, headers: Query = {}) =>
    fetch(path.startsWith('https://') ? path.replace('https:/', url) : `${url}/graph.microsoft.com/v1.0${path}`, {
      headers: { authorization: `Bearer ${bearer}`, ...headers },
    })
  const page = async (bearer: string, path: string) => Page.parse(await (await get(bearer, path)).json())
  return {
    ...sandbox,
    admin,
    control: admin.control('outlook'),
    authorizeUrl,
    consent,
    token,
    exchange,
    refresh,
    connect,
    get,
    page,
  }
}

const aadsts = (number: number, error: string) => ({
  error,
  error_codes: [number],
  error_description: expect.stringMatching(new RegExp(`^AADSTS${number}: [^]*\\r\\nTrace ID: [^]*\\r\\nTimestamp: .*Z$`)),
  error_uri: `https://login.microsoftonline.com/error?code=${number}`,
})

describe('sign-in', () => {
  it('says when the user cancels, and when an administrator has to approve', async () => {
    await using sandbox = await open()
    const denied = await sandbox.consent({}, { deny: true })
    expect(denied).toEqual({ state: 's1', error: 'access_denied', error_subcode: 'cancel' })
    const refused = await sandbox.consent({}, { account: 'megan@fabrikam.example' })
    expect(refused).toMatchObject({
      state: 's1',
      error: 'access_denied',
      error_description: expect.stringMatching(/^AADSTS90094/),
    })
  })

  it.each([
    ['organizations', lee, 'AADSTS50020'],
    ['consumers', 'adele@contoso.example', 'AADSTS50020'],
    ['fabrikam.example', 'adele@contoso.example', 'AADSTS50020'],
    ['nowhere.example', 'adele@contoso.example', 'AADSTS90002'],
  ])('shows a page at %s for %s: %s', async (tenant, account, code) => {
    await using sandbox = await open()
    await expect(sandbox.consent({}, { account }, tenant)).rejects.toThrow(code)
  })

  it.each(['contoso.example', '5f0c3d6e-8b1a-4c27-9e54-d2a7f6c81b03', 'organizations'])(
    'is open for Adele at %s',
    async (tenant) => {
      await using sandbox = await open()
      expect(await sandbox.consent({}, {}, tenant)).toHaveProperty('session_state')
    },
  )
})

describe('tokens', () => {
  it('of an organisation name short scopes and more than was asked for; those of a person long ones', async () => {
    await using sandbox = await open()
    const work = await sandbox.connect()
    expect(work.scope).toBe('User.Read Calendars.Read profile openid email')
    expect(work.access_token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
    const personal = await sandbox.connect({ account: lee })
    expect(personal.scope).toBe('https://graph.microsoft.com/User.Read https://graph.microsoft.com/Calendars.Read')
    expect(personal.access_token).toMatch(/^EwB/)
  })

  it('come with a new refresh token each time, and the old one goes on', async () => {
    await using sandbox = await open()
    const { refresh_token: first } = await sandbox.connect()
    const { refresh_token: second } = Tokens.parse((await sandbox.refresh(first)).body)
    expect(second).not.toBe(first)
    expect(await sandbox.refresh(first)).toMatchObject({ status: 200, body: { expires_in: 3599, ext_expires_in: 3599 } })
    expect((await sandbox.refresh(second)).status).toBe(200)
  })

  it('have no refresh token without offline_access', async () => {
    await using sandbox = await open()
    expect((await sandbox.connect({}, { scope: 'User.Read Calendars.Read' })).refresh_token).toBe('')
  })

  it('end after 90 idle days, and when the user removes the app', async () => {
    await using sandbox = await open()
    const { refresh_token: idle } = await sandbox.connect()
    await sandbox.admin.setClockSkew(90 * 86_400)
    expect(await sandbox.refresh(idle)).toMatchObject({ status: 400, body: aadsts(700082, 'invalid_grant') })

    const { access_token, refresh_token } = await sandbox.connect()
    expect(await sandbox.control.revokeGrants('adele@contoso.example')).toBe(1)
    const body = { ...aadsts(65001, 'invalid_grant'), suberror: 'consent_required' }
    expect(await sandbox.refresh(refresh_token)).toMatchObject({ status: 400, body })
    expect((await sandbox.get(access_token, '/me')).status).toBe(401)
  })

  it('are kept over a restart', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'sandbox-'))
    const before = await open({ stateDir })
    const { refresh_token } = await before.connect()
    await before.close()
    await using after = await open({ stateDir })
    expect((await after.refresh(refresh_token)).status).toBe(200)
    await rm(stateDir, { recursive: true })
  })

  it.each([
    [{ client_secret: 'the-id-of-the-secret' }, 401, aadsts(7000215, 'invalid_client')],
    [{ client_secret: '' }, 401, aadsts(7000218, 'invalid_client')],
    [{ client_id: 'other' }, 400, aadsts(700016, 'unauthorized_client')],
    [{ grant_type: '' }, 400, aadsts(900144, 'invalid_request')],
    [{ code: 'other' }, 400, aadsts(70000, 'invalid_grant')],
    [{ redirect_uri: 'http://127.0.0.1:9999/other' }, 401, aadsts(500112, 'invalid_client')],
    [{ code_verifier: 'x'.repeat(43) }, 400, aadsts(501481, 'invalid_grant')],
  ])('are refused for %j', async (wrong, status, body) => {
    await using sandbox = await open()
    const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
    const { code } = await sandbox.consent({ code_challenge: challenge, code_challenge_method: 'S256' })
    expect(await sandbox.exchange(code, { code_verifier: 'v'.repeat(43), ...wrong })).toMatchObject({ status, body })
  })

  it('are refused for an unknown tenant, a browser, and a code that was used', async () => {
    await using sandbox = await open()
    const form = { grant_type: 'refresh_token', refresh_token: 'x' }
    expect(await sandbox.token(form, 'nowhere.example')).toMatchObject({ status: 400, body: aadsts(90002, 'invalid_request') })
    const origin = { origin: 'https://app.example' }
    expect(await sandbox.token(form, 'common', origin)).toMatchObject({ body: aadsts(9002326, 'invalid_request') })
    const { code } = await sandbox.consent()
    await sandbox.exchange(code)
    expect(await sandbox.exchange(code)).toMatchObject({ status: 400, body: aadsts(54005, 'invalid_grant') })
  })
})

describe('calendars', () => {
  const names = (page: z.output<typeof Page>) => page.value.map(({ name }) => name)

  it('come ten at a time, with the address of the next page', async () => {
    await using sandbox = await open()
    await sandbox.control.fill('adele@contoso.example', 12)
    const { access_token } = await sandbox.connect()
    const first = await sandbox.page(access_token, '/me/calendars')
    expect(first.value).toHaveLength(10)
    expect(names(first).slice(0, 4)).toEqual(['Calendar', 'Birthdays', 'United States holidays', 'Diego Siciliani'])
    expect(first['@odata.nextLink']).toBe('https://graph.microsoft.com/v1.0/me/calendars?%24skip=10')
    const last = await sandbox.page(access_token, first['@odata.nextLink'] ?? '')
    expect(last.value).toHaveLength(2)
    expect(last).not.toHaveProperty(['@odata.nextLink'])
    expect(new Set([...first.value, ...last.value].map(({ id }) => id)).size).toBe(12)
  })

  it('may come short, or not at all, and go on', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    const match = { path: '/v1.0/me/calendars' }
    await sandbox.admin.addFault({ match, fault: { type: 'empty-page' } })
    await sandbox.admin.addFault({ match, fault: { type: 'short-page', items: 3 } })
    const empty = await sandbox.page(access_token, '/me/calendars?$top=100')
    expect(empty.value).toEqual([])
    const short = await sandbox.page(access_token, empty['@odata.nextLink'] ?? '')
    expect(short.value).toHaveLength(3)
    expect(names(await sandbox.page(access_token, short['@odata.nextLink'] ?? ''))).toEqual(['Diego Siciliani'])
  })

  it('are not there for an account without a mailbox', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect({ account: 'diego@contoso.example' })
    expect(await (await sandbox.get(access_token, '/me')).json()).toMatchObject({
      mail: null,
      userPrincipalName: 'diego@contoso.example',
    })
    const answer = await sandbox.get(access_token, '/me/calendars')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ error: { code: 'MailboxNotEnabledForRESTAPI' } })
  })

  it('are refused to a fifth request at the same time', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    await sandbox.admin.addFault({ match: { path: '/v1.0/me/calendars' }, fault: { type: 'delay', ms: 300 }, times: 4 })
    const answers = await Promise.all(Array.from({ length: 5 }, () => sandbox.get(access_token, '/me/calendars')))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 200, 429])
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1')
  })
})

describe('Graph', () => {
  it('has the selected properties only, and an id for each request', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    const answer = await sandbox.get(access_token, '/me?$select=displayName', { 'client-request-id': 'mine' })
    expect(await answer.json()).toEqual({
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#users(displayName)/$entity',
      id: '87d349ed-44d7-43e1-9a83-5f2406dee5bd',
      displayName: 'Adele Vance',
    })
    expect(answer.headers.get('client-request-id')).toBe('mine')
    const wrong = await sandbox.get(access_token, '/me?$select=wellKnownName')
    const requestId = wrong.headers.get('request-id')
    expect(await wrong.json()).toMatchObject({ error: { code: 'BadRequest', innerError: { 'request-id': requestId } } })
  })

  it.each([
    ['', 401, 'InvalidAuthenticationToken'],
    ['x', 401, 'InvalidAuthenticationToken'],
    ['offline_access User.Read', 403, 'ErrorAccessDenied'],
  ])('refuses the calendars to the token %j', async (token, status, code) => {
    await using sandbox = await open()
    const bearer = status === 403 ? (await sandbox.connect({}, { scope: token })).access_token : token
    const answer = await sandbox.get(bearer, '/me/calendars')
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ error: { code } })
    expect(answer.headers.has('www-authenticate')).toBe(status === 401)
  })
})

it.each([
  [{ type: 'rate-limit', retryAfterSeconds: 7 }, 429, 'ApplicationThrottled', 'temporarily_unavailable'],
  [{ type: 'quota' }, 429, 'TooManyRequests', 'temporarily_unavailable'],
  [{ type: 'server-error', status: 502 }, 502, 'UnknownError', 'temporarily_unavailable'],
  [{ type: 'server-error', status: 503 }, 503, 'serviceNotAvailable', 'temporarily_unavailable'],
  [{ type: 'unauthorized' }, 401, 'InvalidAuthenticationToken', 'invalid_client'],
  [{ type: 'forbidden' }, 403, 'ErrorAccessDenied', 'interaction_required'],
  [{ type: 'not-found' }, 404, 'ErrorItemNotFound', 'invalid_request'],
] as const)('%j is said in the words of Graph, or of the identity platform', async (fault, status, code, error) => {
  await using sandbox = await open()
  const { access_token } = await sandbox.connect()
  await sandbox.admin.addFault({ fault, times: 2 })
  const answer = await sandbox.get(access_token, '/me')
  expect(answer.status).toBe(status)
  expect(answer.headers.get('retry-after')).toBe('retryAfterSeconds' in fault ? '7' : null)
  expect(await answer.json()).toMatchObject({ error: { code, innerError: expect.anything() } })
  expect((await sandbox.refresh('x')).body).toMatchObject({ error, error_codes: [expect.any(Number)] })
})
