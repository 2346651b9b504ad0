import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { FaultRuleInput } from '../../src/sandbox/admin-contract.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { procoreSandbox } from '../../src/sandbox/procore/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'

type Query = Record<string, string>

const client = { client_id: 'sandbox-client', client_secret: 'sandbox-secret' }
const redirectUri = 'http://127.0.0.1:9999/callback'
const kim = { account: 'kim@example.com' }
const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() })
const Items = z.array(z.object({ id: z.number(), name: z.string() }))

/** A sandbox, and an app that uses one of Procore's environments. */
async function open(environment: { login: string; api: string } = { login: 'login.procore.com', api: 'api.procore.com' }) {
  const sandbox = await startSandbox()
  const { url } = sandbox
  const login = `${url}/${environment.login}/oauth`
  const post = async (path: string, form: Query) => {
    const answer = await fetch(`${login}${path}`, { method: 'POST', body: new URLSearchParams({ ...client, ...form }) })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
  }
  const consent = async (choice: ConsentChoice = {}) => {
    const query = { client_id: client.client_id, redirect_uri: redirectUri, response_type: 'code', state: 's1' }
    return Object.fromEntries(
      new URL(await approveConsent(`${login}/authorize?${new URLSearchParams(query).toString()}`, choice)).searchParams,
    )
  }
  const connect = async (choice: ConsentChoice = {}) => {
    const { code = '' } = await consent(choice)
    return Tokens.parse((await post('/token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri })).body)
  }
  const refresh = (token: string) => post('/token', { grant_type: 'refresh_token', refresh_token: token })
  const get = (bearer: string, path: string, headers: Query = {}) =>
    fetch(`${url}/${environment.api}${path}`, { headers: { authorization: `Bearer ${bearer}`, ...headers } })
  const answerOf = async (bearer: string, path: string, headers: Query = {}) => {
    const answer = await get(bearer, path, headers)
    return { status: answer.status, body: await answer.json() }
  }
  const admin = sandboxClient(url)
  const fault = (path: string, fault: FaultRuleInput['fault']) => admin.addFault({ match: { path }, fault })
  return { ...sandbox, admin, procore: procoreSandbox(url), fault, post, consent, connect, refresh, get, answerOf }
}

describe('sign-in', () => {
  it.each([
    { login: 'login.procore.com', api: 'api.procore.com' },
    { login: 'login-sandbox.procore.com', api: 'sandbox.procore.com' },
    { login: 'login-sandbox-monthly.procore.com', api: 'api-monthly.procore.com' },
  ])('works at $login', async (environment) => {
    await using app = await open(environment)
    const { access_token: token, refresh_token: refreshToken } = await app.connect()
    expect(decodeProtectedHeader(token).alg).toBe('ES512')
    expect(refreshToken).toMatch(/^[0-9a-f]{64}$/)
    expect(await app.answerOf(token, '/rest/v1.0/me')).toEqual({
      status: 200,
      body: { id: 1234, login: 'pat@example.com', name: null },
    })
  })

  it('tells a refusal, and gives tokens for 90 minutes', async () => {
    await using app = await open()
    expect(await app.consent({ deny: true })).toEqual({ state: 's1', error: 'access_denied' })
    const { code = '' } = await app.consent()
    const answer = await app.post('/token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 5400,
      refresh_token: expect.any(String),
      created_at: decodeJwt(Tokens.parse(answer.body).access_token).iat,
    })
    const again = await app.post('/token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri })
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('takes a refresh token once, and the secret in the body only', async () => {
    await using app = await open()
    const first = await app.connect()
    const second = Tokens.parse((await app.refresh(first.refresh_token)).body)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(await app.refresh(first.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await app.refresh(second.refresh_token)).status).toBe(200)
    const wrong = await app.post('/token', { grant_type: 'refresh_token', refresh_token: 'x', client_secret: 'x' })
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  it('ends both tokens of a connection when one is revoked, and no other connection', async () => {
    await using app = await open()
    const [one, other] = [await app.connect(), await app.connect()]
    expect((await app.post('/revoke', { token: one.access_token })).status).toBe(200)
    expect((await app.post('/revoke', { token: 'never issued' })).status).toBe(200)
    expect(await app.answerOf(one.access_token, '/rest/v1.0/me')).toEqual({
      status: 401,
      body: { errors: 'The access token is invalid' },
    })
    expect((await app.refresh(one.refresh_token)).status).toBe(400)
    expect((await app.refresh(other.refresh_token)).status).toBe(200)
    expect(await app.admin.control('procore').liveGrants('pat@example.com')).toBe(1)
  })

  it.each([
    ['access_token', 'refresh_token'],
    ['refresh_token', 'access_token'],
  ] as const)('ends a connection by its %s alone, where the test wants it so, and by its %s never', async (ending, other) => {
    await using app = await open()
    await app.procore.setRevocableToken(ending)
    const tokens = await app.connect()
    const live = () => app.admin.control('procore').liveGrants('pat@example.com')
    expect(await app.post('/revoke', { token: tokens[other] })).toEqual({ status: 200, body: null })
    expect(await live()).toBe(1)
    expect(await app.post('/revoke', { token: tokens[ending] })).toEqual({ status: 200, body: null })
    expect(await live()).toBe(0)
    expect((await app.get(tokens.access_token, '/rest/v1.0/me')).status).toBe(401)
  })
})

describe('the company', () => {
  it('is one of those that the user sees, also where the app is not installed', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect(kim)
    const { body } = await app.answerOf(token, '/rest/v1.0/companies')
    expect(Items.parse(body).map(({ name }) => name)).toEqual([
      'Cedar Ridge Builders',
      'Harborview Construction',
      'Northside Civil',
    ])
  })

  it('has to be named in the header, and to have the app installed', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect(kim)
    const projects = (companyId: string, headers: Query = { 'procore-company-id': companyId }) =>
      app.answerOf(token, `/rest/v1.1/projects?company_id=${companyId}`, headers)

    expect(Items.parse((await projects('8089')).body)).toHaveLength(3)
    expect(await projects('8089', {})).toEqual({
      status: 400,
      body: { errors: expect.stringMatching(/^Missing Procore-Company-Id header!/) },
    })
    expect(await projects('10377')).toEqual({ status: 403, body: { errors: ['App is not connected to this company.'] } })
    expect((await projects('1')).status).toBe(404)
    expect((await app.answerOf(token, '/rest/v1.1/projects', { 'procore-company-id': '8089' })).status).toBe(400)

    await app.procore.install({ companyId: 10_377, installed: true })
    expect(await projects('10377')).toEqual({ status: 200, body: [] })
  })
})

describe('a list', () => {
  /** Follows the links to the end. Returns the ids, and how many items each page had. */
  async function readAll(app: Awaited<ReturnType<typeof open>>, path: string, token: string) {
    const ids: number[] = []
    const sizes: number[] = []
    for (let next: string | undefined = path; next !== undefined;) {
      const answer = await app.get(token, next)
      const items = Items.parse(await answer.json())
      ids.push(...items.map(({ id }) => id))
      sizes.push(items.length)
      const link = answer.headers.get('link') ?? ''
      next = /<https:\/\/api\.procore\.com([^>]*)>; rel="next"/.exec(link)?.[1]
    }
    return { ids, sizes }
  }

  it('is paged by Link, and says how many there are', async () => {
    await using app = await open()
    await app.admin.control('procore').fill('pat@example.com', 25)
    const { access_token: token } = await app.connect()
    const middle = await app.get(token, '/rest/v1.0/companies?page=2&per_page=10')
    expect(Object.fromEntries(middle.headers)).toMatchObject({ total: '25', 'per-page': '10' })
    const url = 'https://api.procore.com/rest/v1.0/companies?page='
    expect(middle.headers.get('link')).toBe(
      `<${url}1&per_page=10>; rel="first", <${url}3&per_page=10>; rel="last", <${url}3&per_page=10>; rel="next"`,
    )
    const { ids, sizes } = await readAll(app, '/rest/v1.0/companies?per_page=10', token)
    expect(sizes).toEqual([10, 10, 5])
    expect(new Set(ids).size).toBe(25)
  })

  it.each<[FaultRuleInput['fault'], number[]]>([
    [{ type: 'short-page', items: 3 }, [10, 3, 10, 2]],
    [{ type: 'empty-page' }, [10, 0, 10, 5]],
  ])('loses nothing when a page has fewer items than asked for: %j', async (fault, sizes) => {
    await using app = await open()
    await app.admin.control('procore').fill('pat@example.com', 25)
    const { access_token: token } = await app.connect()
    await app.admin.addFault({ match: { path: '/rest/v1.0/companies' }, fault, skip: 1 })
    const read = await readAll(app, '/rest/v1.0/companies?per_page=10', token)
    expect(read.sizes).toEqual(sizes)
    expect(new Set(read.ids).size).toBe(25)
    // It is the same list when it is read again, in other pages too.
    expect((await readAll(app, '/rest/v1.0/companies?per_page=7', token)).ids).toEqual(read.ids)
  })
})

describe('the limits', () => {
  it('are in every answer, and end with 429 until the hour is over', async () => {
    await using app = await open()
    await app.procore.setHourlyLimit(2)
    const { access_token: token } = await app.connect()
    const first = await app.get(token, '/rest/v1.0/me')
    expect(first.headers.get('x-rate-limit-remaining')).toBe('1')
    const refused = await app.get(token, '/rest/v1.1/projects')
    expect([refused.status, refused.headers.get('x-rate-limit-remaining')]).toEqual([400, '0'])
    const exceeded = await app.get(token, '/rest/v1.0/me')
    expect(exceeded.status).toBe(429)
    const reset = Number(exceeded.headers.get('x-rate-limit-reset')) * 1000
    expect(reset % 3_600_000).toBe(0)
    await app.admin.setClockSkew(3600)
    expect((await app.get(token, '/rest/v1.0/me')).status).toBe(200)
  })

  it('as a fault are those of ten seconds, which say when they end', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    await app.fault('/rest/v1.0/me', { type: 'rate-limit' })
    const { status, headers } = await app.get(token, '/rest/v1.0/me')
    expect([status, headers.get('retry-after'), headers.get('x-rate-limit-remaining')]).toEqual([429, null, '0'])
    const waitMs = Number(headers.get('x-rate-limit-reset')) * 1000 - Date.parse(headers.get('date') ?? '')
    // The second that the answer says may have ended since.
    expect([0, 1000]).toContain(waitMs)
  })
})
