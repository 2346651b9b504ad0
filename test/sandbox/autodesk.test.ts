import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { startSandbox } from '../../src/sandbox/server.ts'

type Query = Record<string, string>

const redirectUri = 'http://127.0.0.1:9999/callback'
const secret = { client_id: 'sandbox-client', client_secret: 'sandbox-secret' }
const basic = `Basic ${Buffer.from('sandbox-client:sandbox-secret').toString('base64')}`

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string().default('') })
const Keys = z.object({ keys: z.array(z.record(z.string(), z.string())) })
const List = z.object({
  data: z.array(z.object({ id: z.string() })),
  links: z.object({ next: z.object({ href: z.string() }).optional() }),
})

/** A sandbox, and an app that uses it. */
async function open() {
  const sandbox = await startSandbox()
  const { url } = sandbox
  const admin = sandboxClient(url)
  const send = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}/developer.api.autodesk.com${path}`, init)
    const text = await answer.text()
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    return { status: answer.status, body }
  }
  const post = (path: string, form: Query, headers: Query = { authorization: basic }) =>
    send(`/authentication/v2${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })
  const code = async (account?: string) => {
    const query = { client_id: secret.client_id, redirect_uri: redirectUri, response_type: 'code', state: 's1' }
    const authorize = new URLSearchParams({ ...query, scope: 'data:read account:read user-profile:read' })
    const page = `${url}/developer.api.autodesk.com/authentication/v2/authorize?${authorize.toString()}`
    const callback = await approveConsent(page, account === undefined ? {} : { account })
    return { grant_type: 'authorization_code', code: new URL(callback).searchParams.get('code') ?? '', redirect_uri: redirectUri }
  }
  const connect = async (account?: string) => Tokens.parse((await post('/token', await code(account))).body)
  const refresh = (value: string) => post('/token', { grant_type: 'refresh_token', refresh_token: value })
  const get = (bearer: string, path: string) => send(path, { headers: { authorization: `Bearer ${bearer}` } })
  return { ...sandbox, admin, control: admin.control('autodesk'), send, post, code, connect, refresh, get }
}

describe('the token endpoint', () => {
  it('issues signed tokens with the claims that Autodesk documents', async () => {
    await using autodesk = await open()
    const answer = await autodesk.post('/token', await autodesk.code())
    expect(answer).toEqual({
      status: 200,
      body: {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 3599,
        refresh_token: expect.any(String),
      },
    })
    const { keys } = Keys.parse((await autodesk.send('/authentication/v2/keys')).body)
    const { access_token } = Tokens.parse(answer.body)
    const { payload, protectedHeader } = await jwtVerify(
      access_token,
      createLocalJWKSet({ keys: keys.map((key) => ({ kty: 'RSA', ...key })) }),
    )
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({
      scope: ['data:read', 'account:read', 'user-profile:read'],
      client_id: 'sandbox-client',
      userid: '5UNGP2KZFCVW',
      iss: 'https://developer.api.autodesk.com',
      aud: 'https://autodesk.com',
    })
  })

  it('takes the app’s secret in the header or in the form, and never in both', async () => {
    await using autodesk = await open()
    const exchange = async (headers: Query, form: Query) =>
      autodesk.post('/token', { ...(await autodesk.code()), ...form }, headers)
    expect((await exchange({}, secret)).status).toBe(200)
    expect(await exchange({ authorization: basic }, secret)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect(await exchange({}, { ...secret, client_secret: 'wrong' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
  })

  it('ends everything that came of a refresh token when it is used twice', async () => {
    await using autodesk = await open()
    const first = await autodesk.connect()
    const second = Tokens.parse((await autodesk.refresh(first.refresh_token)).body)
    expect((await autodesk.get(second.access_token, '/project/v1/hubs')).status).toBe(200)
    expect(await autodesk.refresh(first.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await autodesk.refresh(second.refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await autodesk.get(second.access_token, '/project/v1/hubs')).status).toBe(401)
  })

  it('forgets a refresh token after 15 days, and a code after five minutes', async () => {
    await using autodesk = await open()
    const { refresh_token } = await autodesk.connect()
    const code = await autodesk.code()
    await autodesk.admin.setClockSkew(301)
    expect(await autodesk.post('/token', code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    await autodesk.admin.setClockSkew(15 * 24 * 3600 + 1)
    expect(await autodesk.refresh(refresh_token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it('gives the app itself a token that is nobody’s and sees every account that added it', async () => {
    await using autodesk = await open()
    const grant = { grant_type: 'client_credentials', scope: 'data:read account:read' }
    const { body } = await autodesk.post('/token', grant)
    expect(body).not.toHaveProperty('refresh_token')
    const { data } = List.parse((await autodesk.get(Tokens.parse(body).access_token, '/project/v1/hubs')).body)
    expect(data).toHaveLength(3)
    expect(data.every(({ id }) => id.startsWith('b.'))).toBe(true)
  })
})

it('revokes a token only when told which kind it is', async () => {
  await using autodesk = await open()
  const { access_token, refresh_token } = await autodesk.connect()
  expect(await autodesk.post('/revoke', { token: refresh_token })).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  })
  expect(await autodesk.control.liveGrants('pat@example.com')).toBe(1)
  const hint = { token: refresh_token, token_type_hint: 'refresh_token' }
  expect(await autodesk.post('/revoke', hint)).toEqual({ status: 200, body: undefined })
  expect(await autodesk.control.liveGrants('pat@example.com')).toBe(0)
  expect(await autodesk.get(access_token, '/project/v1/hubs')).toMatchObject({ status: 401, body: { errorCode: 'AUTH-006' } })
})

describe('hubs and projects', () => {
  it('are empty with a warning a region when nobody has added the app', async () => {
    await using autodesk = await open()
    const { access_token } = await autodesk.connect('kim@example.org')
    expect(await autodesk.get(access_token, '/project/v1/hubs')).toMatchObject({
      status: 200,
      body: { data: [], meta: { warnings: [{ ErrorCode: 'BIM360DM_ERROR' }, { ErrorCode: 'BIM360DM_ERROR' }] } },
    })
  })

  it.each([
    ['whole pages', {}, [200, 200, 50]],
    ['an empty first page', { type: 'empty-page' as const }, [0, 200, 200, 50]],
    ['a short second page', { type: 'short-page' as const, items: 30 }, [200, 30, 200, 20]],
  ])('come in %s, and nothing is missing', async (_, fault, sizes) => {
    await using autodesk = await open()
    await autodesk.control.fill('sam@example.org', 450)
    const { access_token } = await autodesk.connect('sam@example.org')
    const [hub] = List.parse((await autodesk.get(access_token, '/project/v1/hubs')).body).data
    if ('type' in fault) {
      await autodesk.admin.addFault({ match: { path: '/project' }, fault, skip: fault.type === 'short-page' ? 1 : 0 })
    }
    const ids = new Set<string>()
    const seen: number[] = []
    let path: string | undefined = `/project/v1/hubs/${hub?.id}/projects`
    while (path !== undefined) {
      const { data, links }: z.infer<typeof List> = List.parse((await autodesk.get(access_token, path)).body)
      seen.push(data.length)
      for (const { id } of data) ids.add(id)
      path = links.next?.href.replace('https://developer.api.autodesk.com', '')
    }
    expect(ids.size).toBe(450)
    expect(seen).toEqual(sizes)
  })

  it.each(['page[limit]=201', 'page[limit]=0', 'page[number]=-1', 'page[number]=x'])('refuse %s', async (query) => {
    await using autodesk = await open()
    const { access_token } = await autodesk.connect()
    expect(await autodesk.get(access_token, `/project/v1/hubs?${query}`)).toMatchObject({
      status: 400,
      body: { errors: [{ status: '400', code: 'BAD_INPUT' }] },
    })
  })

  it('of somebody else are closed', async () => {
    await using autodesk = await open()
    const { access_token } = await autodesk.connect()
    expect(await autodesk.get(access_token, '/project/v1/hubs/b.other/projects')).toMatchObject({
      status: 403,
      body: { errors: [{ code: 'BIM360DM_ERROR' }] },
    })
  })
})

it('says AUTH-004 to a token that lacks the scope', async () => {
  await using autodesk = await open()
  const { body } = await autodesk.post('/token', { grant_type: 'client_credentials', scope: 'account:read' })
  const answer = await autodesk.get(Tokens.parse(body).access_token, '/project/v1/hubs')
  expect(answer).toMatchObject({ status: 403, body: { errorCode: 'AUTH-004' } })
})

it('has gateway errors before the API’s own', async () => {
  await using autodesk = await open()
  await autodesk.admin.addFault({ fault: { type: 'rate-limit', retryAfterSeconds: 7 } })
  expect(await autodesk.send('/project/v1/hubs')).toMatchObject({ status: 429, body: { errorCode: 'ERR-001' } })
  expect(await autodesk.send('/project/v1/hubs')).toMatchObject({ status: 401, body: { errorCode: 'AUTH-012' } })
  expect(await autodesk.get('wrong', '/project/v1/hubs')).toMatchObject({ status: 401, body: { errorCode: 'AUTH-006' } })
})
