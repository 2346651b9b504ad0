import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { jobberSandbox } from '../../src/sandbox/jobber/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'

type Query = Record<string, string>

const client = { client_id: 'sandbox-client', client_secret: 'sandbox-secret' }
const redirectUri = 'http://127.0.0.1:9999/callback'
const dana = 'dana@example.com'
const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() })
const clients =
  'query C($first: Int, $after: String) { clients(first: $first, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }'

/** A sandbox, and an app that uses it. */
async function open() {
  const sandbox = await startSandbox()
  const { url } = sandbox
  const base = `${url}/api.getjobber.com/api`
  const consent = async (choice: ConsentChoice = {}, query: Query = { state: 's1' }) => {
    const usual = { client_id: client.client_id, redirect_uri: redirectUri, response_type: 'code' }
    const page = `${base}/oauth/authorize?${new URLSearchParams({ ...usual, ...query }).toString()}`
    return Object.fromEntries(new URL(await approveConsent(page, choice)).searchParams)
  }
  const token = async (form: Query) => {
    const answer = await fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams({ ...client, ...form }) })
    return { status: answer.status, body: await answer.json() }
  }
  const exchange = (code = '') => token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
  const connect = async () => Tokens.parse((await exchange((await consent())['code'])).body)
  const refresh = (value: string) => token({ grant_type: 'refresh_token', refresh_token: value })
  const ask = async (bearer: string | null, query: string, variables: object = {}, headers: Query = {}) => {
    const answer = await fetch(`${base}/graphql`, {
      method: 'POST',
      body: JSON.stringify({ query, variables }),
      headers: {
        'content-type': 'application/json',
        'x-jobber-graphql-version': '2026-07-27',
        ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
    })
    return { status: answer.status, body: await answer.json() }
  }
  const admin = sandboxClient(url)
  return {
    ...sandbox,
    admin,
    control: admin.control('jobber'),
    jobber: jobberSandbox(url),
    consent,
    exchange,
    connect,
    refresh,
    ask,
  }
}

describe('sign-in', () => {
  it('tells nothing at all when the user refuses, and has no state when it begins at the marketplace', async () => {
    await using app = await open()
    expect(await app.consent({ deny: true })).toEqual({})
    expect(await app.consent({}, {})).toEqual({ code: expect.any(String) })
  })

  it('gives tokens without saying of what type or for how long; the JWT says an hour', async () => {
    await using app = await open()
    const { body } = await app.exchange((await app.consent())['code'])
    expect(body).toEqual({ access_token: expect.any(String), refresh_token: expect.stringMatching(/^[0-9a-f]{32}$/) })
    const { iat = 0, exp = 0 } = decodeJwt(Tokens.parse(body).access_token)
    expect(exp - iat).toBe(3600)
  })

  it('takes a refresh token once', async () => {
    await using app = await open()
    const first = await app.connect()
    const second = Tokens.parse((await app.refresh(first.refresh_token)).body)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    const refused = { error: 'invalid_grant', error_description: 'The provided refresh token is not valid.' }
    expect(await app.refresh(first.refresh_token)).toEqual({ status: 401, body: refused })
    expect((await app.refresh(second.refresh_token)).status).toBe(200)
  })

  it('without rotation, keeps the refresh token, warns, and says when the access token ends', async () => {
    await using app = await open()
    await app.control.configure({ rotation: false })
    const first = await app.connect()
    const { body } = await app.refresh(first.refresh_token)
    expect(body).toEqual({
      access_token: expect.any(String),
      refresh_token: first.refresh_token,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/),
      warning: expect.stringMatching(/^Refresh token rotation is off\./),
    })
    const { exp = 0 } = decodeJwt(Tokens.parse(body).access_token)
    expect(Date.parse(z.object({ expires_at: z.string() }).parse(body).expires_at)).toBe(exp * 1000)
  })
})

describe('a query', () => {
  it('is answered with its cost and the version that answers', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    expect(await app.ask(token, '{ account { id name } }')).toEqual({
      status: 200,
      body: {
        data: { account: { id: btoa('gid://Jobber/Account/731'), name: 'Maple Street Landscaping' } },
        extensions: {
          cost: {
            requestedQueryCost: 3,
            actualQueryCost: 3,
            throttleStatus: { maximumAvailable: 10_000, currentlyAvailable: 9_997, restoreRate: 500 },
          },
          versioning: { version: '2026-07-27' },
        },
      },
    })
  })

  it('is answered by the oldest version, without an error, when its own is not served', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    const oldest = {
      data: {},
      extensions: { versioning: { version: '2022-09-01', warning: expect.stringContaining('no longer supported') } },
    }
    expect(await app.ask(token, '{ account { id } }', {}, { 'x-jobber-graphql-version': 'x' })).toMatchObject({
      status: 200,
      body: oldest,
    })
    await app.jobber.retireVersion('2026-07-27')
    expect(await app.ask(token, '{ account { id } }')).toMatchObject({ status: 200, body: oldest })
  })

  it.each([
    ['{ account { nmae } }', {}, { extensions: { code: 'undefinedField' } }],
    ['{ account', {}, { message: expect.stringContaining('Syntax Error') }],
    [
      'query C($id: EncodedId!) { client(id: $id) { name } }',
      { id: '1' },
      {
        message: 'Variable $id of type EncodedId! was provided invalid value',
        extensions: { value: '1', problems: [{ path: [], explanation: "'1' is not a valid EncodedId" }] },
      },
    ],
    [clients, { after: 'x' }, { message: 'Invalid cursor: x', path: ['clients'] }],
  ])('%s with %j is refused with 200', async (query, variables, error) => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    expect(await app.ask(token, query, variables)).toMatchObject({ status: 200, body: { errors: [error] } })
  })

  it('finds null for what is not there', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    const id = btoa('gid://Jobber/Client/1')
    const { body } = await app.ask(token, 'query C($id: EncodedId!) { client(id: $id) { name } }', { id })
    expect(body).toMatchObject({ data: { client: null } })
    expect(body).not.toHaveProperty('errors')
  })

  it('has its fields hidden without a token, and is refused with a wrong or an old one', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    expect(await app.ask(null, '{ account { id } }')).toMatchObject({
      status: 200,
      body: { data: { account: null }, errors: [{ path: ['account'], extensions: { code: 'UNAUTHENTICATED' } }] },
    })
    const refused = { status: 401, body: { message: 'Token not recognized' } }
    expect(await app.ask('x', '{ account { id } }')).toEqual(refused)
    await app.control.expireAccessTokens()
    expect(await app.ask(token, '{ account { id } }')).toEqual(refused)
  })

  it('is not taken as a form', async () => {
    await using app = await open()
    const { access_token: token } = await app.connect()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await app.ask(token, '{ account { id } }', {}, form)).status).toBe(400)
  })

  it('counts what a connection may have, pays for what it has, and waits when too little is left', async () => {
    await using app = await open()
    await app.control.fill(dana, 1000)
    const { access_token: token } = await app.connect()
    const cost = (requested: number, actual: number) => ({ requestedQueryCost: requested, actualQueryCost: actual })
    expect((await app.ask(token, '{ clients { edges { node { id } } } }')).body).toMatchObject({
      extensions: { cost: cost(101, 101) },
    })
    const many = '{ clients(first: 3500) { nodes { id name } } }'
    const paid = { extensions: { cost: cost(7001, 2001) } }
    expect((await app.ask(token, many)).body).toMatchObject(paid)
    expect((await app.ask(token, many)).body).toMatchObject(paid)
    expect((await app.ask(token, many)).body).toMatchObject({
      errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
      extensions: { cost: cost(7001, 0) },
    })
    await app.admin.setClockSkew(3)
    expect((await app.ask(token, many)).body).toMatchObject(paid)
  })
})

it('pages through clients by cursor, and loses none when a page is short or empty', async () => {
  await using app = await open()
  await app.control.fill(dana, 25)
  const { access_token: token } = await app.connect()
  const Page = z.object({
    data: z.object({
      clients: z.object({
        nodes: z.array(z.object({ id: z.string() })),
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
      }),
    }),
  })
  const match = { path: '/api/graphql' }
  await app.admin.addFault({ match, fault: { type: 'empty-page' }, skip: 1 })
  await app.admin.addFault({ match, fault: { type: 'short-page', items: 3 } })

  const ids: string[] = []
  const sizes: number[] = []
  const cursors = new Set<string | null>()
  for (let after: string | null = null, more = true; more;) {
    cursors.add(after)
    const page: z.output<typeof Page> = Page.parse((await app.ask(token, clients, { first: 10, after })).body)
    const { nodes, pageInfo } = page.data.clients
    ids.push(...nodes.map(({ id }) => id))
    sizes.push(nodes.length)
    after = pageInfo.endCursor
    more = pageInfo.hasNextPage
  }
  expect(sizes).toEqual([3, 0, 10, 10, 2])
  expect(new Set(ids).size).toBe(25)
  expect(cursors.size).toBe(sizes.length)
})

it('ends every connection of the account by appDisconnect, and says so from then on', async () => {
  await using app = await open()
  const [one, other] = [await app.connect(), await app.connect()]
  const { body } = await app.ask(one.access_token, 'mutation { appDisconnect { app { name } userErrors { message } } }')
  expect(body).toMatchObject({ data: { appDisconnect: { app: { name: client.client_id }, userErrors: [] } } })
  const disconnected = { message: 'User has disconnected this app from their account. Please delete this token' }
  expect(await app.ask(other.access_token, '{ account { id } }')).toEqual({ status: 401, body: disconnected })
  expect((await app.refresh(other.refresh_token)).status).toBe(401)
  expect(await app.control.liveGrants(dana)).toBe(0)
})
