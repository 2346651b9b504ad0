import { inspect } from 'node:util'
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/shared/config.ts'
import {
  authorizationUrl,
  exchangeCode,
  refreshTokens,
  requestAppToken,
  requestServiceAccountToken,
  revokeToken,
} from '../../src/shared/oauth/client.ts'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { answer, completeEnv, secretsIn, startTokenServer, testProvider, tokenBody, type TokenEndpoint } from './support.ts'

const now = Date.UTC(2026, 10, 21)

/** Nothing here touches the database. */
function runtimeAt(sandboxUrl: string, changes: { env?: Record<string, string>; fetch?: typeof fetch } = {}): Runtime {
  const config = readConfig({ ...completeEnv(), CONNECTOR_SANDBOX_URL: sandboxUrl, ...changes.env })
  return { config, fetch: changes.fetch ?? fetch, now: () => now } as Runtime
}

const html: TokenEndpoint = (_form, response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Down for maintenance</h1>')
const cut: TokenEndpoint = (_form, response) => {
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': '900' })
    .write('{"access_token":"access-9","ref')
  setTimeout(() => response.destroy(), 20)
}
const wrongType = answer({ ...tokenBody(2), expires_in: 'soon' })
const silent: TokenEndpoint = () => {}

describe('authorizationUrl', () => {
  it('carries what the provider needs, at the sandbox when there is one', async () => {
    const request = {
      redirectUri: 'https://x.example/oauth-callback/test-provider',
      state: 's1',
      scopes: ['a', 'b'],
      codeVerifier: 'v'.repeat(43),
    }
    const url = new URL(await authorizationUrl(runtimeAt('http://127.0.0.1:1'), testProvider, request))
    expect(url.origin + url.pathname).toBe('http://127.0.0.1:1/provider.test/authorize')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'test-client',
      redirect_uri: request.redirectUri,
      state: 's1',
      scope: 'a b',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(url.href).not.toContain(request.codeVerifier)
  })

  it.each([
    [{ scopeSeparator: ',' }, ['a', 'b'], { scope: 'a,b' }],
    [{}, [], {}],
    [{ authorizeParams: { prompt: 'consent' } }, ['a'], { scope: 'a', prompt: 'consent' }],
  ] as const)('with %j asks for the scopes %j by %j, and without PKCE by no challenge', async (changes, scopes, added) => {
    const definition: ProviderDefinition = { ...testProvider, auth: { ...testProvider.auth, ...changes } }
    const request = { redirectUri: 'https://x.example/callback', state: 's1', scopes, codeVerifier: null }
    const url = new URL(await authorizationUrl(runtimeAt('http://127.0.0.1:1'), definition, request))
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'test-client',
      redirect_uri: request.redirectUri,
      state: 's1',
      ...added,
    })
  })
})

describe('exchangeCode', () => {
  const redirectUri = 'https://x.example/callback'
  const respond = (runtime: Runtime, parameters: Record<string, string>, requireIssuer = true) =>
    exchangeCode(runtime, testProvider, {
      parameters: new URLSearchParams({ state: 's1', iss: 'https://provider.test', ...parameters }),
      state: 's1',
      requireIssuer,
      redirectUri,
      codeVerifier: 'v'.repeat(43),
    })

  it('sends the code once, with the verifier and the secret in the body', async () => {
    await using server = await startTokenServer(answer({ ...tokenBody(1), scope: 'read write', id_token: 'not.a.jwt' }))
    const { token, others } = await respond(runtimeAt(server.url), { code: 'c1' })
    expect(token).toEqual({
      accessToken: 'access-1',
      refreshToken: 'refresh-1',
      tokenType: 'Bearer',
      scopes: ['read', 'write'],
      expiresAt: now + 3600_000,
      refreshDueAt: now + 2700_000,
    })
    expect(others).toEqual({})
    expect(server.forms.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'authorization_code',
        code: 'c1',
        redirect_uri: redirectUri,
        code_verifier: 'v'.repeat(43),
        client_id: 'test-client',
        client_secret: 'test-client-secret',
      },
    ])
  })

  it('refuses an answer of another issuer, and one that must name it and does not, before it uses the code', async () => {
    await using server = await startTokenServer(answer(tokenBody(1)))
    const runtime = runtimeAt(server.url)
    for (const iss of ['https://evil.test', 'https://provider.test/', '']) {
      await expect(respond(runtime, { code: 'c1', iss }), iss).rejects.toMatchObject({ code: 'issuer_mismatch' })
      await expect(respond(runtime, { error: 'access_denied', iss }), iss).rejects.toMatchObject({ code: 'issuer_mismatch' })
    }
    const parameters = new URLSearchParams({ state: 's1', code: 'c1' })
    const unnamed = { parameters, state: 's1', redirectUri, codeVerifier: 'v'.repeat(43) }
    await expect(exchangeCode(runtime, testProvider, { ...unnamed, requireIssuer: true })).rejects.toMatchObject({
      code: 'issuer_mismatch',
    })
    expect(server.forms).toEqual([])
    expect(await exchangeCode(runtime, testProvider, { ...unnamed, requireIssuer: false })).toMatchObject({
      token: { accessToken: 'access-1' },
    })
  })

  it.each([
    ['https://login.test/4711/v2.0', 'accepted'],
    ['https://login.test/common/v2.0', 'issuer_mismatch'],
    ['https://login.test/4711/v2.0/', 'issuer_mismatch'],
    ['https://evil.test/?https://login.test/4711/v2.0', 'issuer_mismatch'],
  ])('of many tenants: the issuer %s is %s', async (iss, code) => {
    await using server = await startTokenServer(answer(tokenBody(1)))
    const issuer = /^https:\/\/login\.test\/\d+\/v2\.0$/
    const definition: ProviderDefinition = { ...testProvider, auth: { ...testProvider.auth, issuer } }
    const exchanged = exchangeCode(runtimeAt(server.url), definition, {
      parameters: new URLSearchParams({ state: 's1', code: 'c1', iss }),
      state: 's1',
      requireIssuer: true,
      redirectUri,
      codeVerifier: 'v'.repeat(43),
    })
    expect(await outcome(exchanged)).toMatchObject({ code })
    expect(server.forms).toHaveLength(code === 'accepted' ? 1 : 0)
  })

  it.each([
    ['access_denied', 'access_denied'],
    ['consent_required', 'access_denied'],
    ['server_error', 'provider_unavailable'],
    ['temporarily_unavailable', 'provider_unavailable'],
    ['invalid_scope', 'client_rejected'],
    ['unauthorized_client', 'client_rejected'],
    ['something_new', 'access_denied'],
  ])('reports the error %s of the provider as %s', async (error, code) => {
    await expect(respond(runtimeAt('http://127.0.0.1:1'), { error })).rejects.toMatchObject({ code, context: { reason: error } })
  })

  it.each([
    ['no code', {}],
    ['an implicit token', { code: 'c1', token: 'access-1' }],
    ['a JARM response', { code: 'c1', response: 'jwt' }],
  ])('refuses an answer with %s', async (_what, parameters) => {
    await expect(respond(runtimeAt('http://127.0.0.1:1'), parameters as Record<string, string>)).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  it('says that a code was not accepted, and never tries it again', async () => {
    await using server = await startTokenServer(answer({ error: 'invalid_grant' }, 400))
    await expect(respond(runtimeAt(server.url), { code: 'c1' })).rejects.toMatchObject({
      code: 'code_rejected',
      context: { reason: 'invalid_grant' },
    })
    expect(server.forms).toHaveLength(1)
  })
})

describe('refreshTokens', () => {
  it.each<[string, TokenEndpoint, string, string]>([
    ['invalid_grant', answer({ error: 'invalid_grant' }, 400), 'needs_reauth', 'reconnect'],
    [
      'invalid_grant with a challenge',
      answer({ error: 'invalid_grant' }, 401, { 'www-authenticate': 'Basic realm="x"' }),
      'needs_reauth',
      'reconnect',
    ],
    ['interaction_required', answer({ error: 'interaction_required' }, 400), 'needs_reauth', 'reconnect'],
    ['invalid_client', answer({ error: 'invalid_client' }, 401), 'client_rejected', 'config'],
    [
      'invalid_client with a challenge',
      answer({ error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic realm="x"' }),
      'client_rejected',
      'config',
    ],
    ['unauthorized_client', answer({ error: 'unauthorized_client' }, 400), 'client_rejected', 'config'],
    ['an error nobody knows', answer({ error: 'something_new' }, 400), 'provider_rejected', 'rejected'],
    ['temporarily_unavailable', answer({ error: 'temporarily_unavailable' }, 400), 'provider_unavailable', 'transient'],
    [
      '429 with an OAuth error',
      answer({ error: 'invalid_grant' }, 429, { 'retry-after': '7' }),
      'provider_rate_limited',
      'transient',
    ],
    ['500 with an OAuth error', answer({ error: 'invalid_grant' }, 500), 'provider_unavailable', 'transient'],
    ['503 with HTML', (_form, response) => response.writeHead(503).end('<h1>'), 'provider_unavailable', 'transient'],
    ['200 with HTML', html, 'provider_answer_invalid', 'contract'],
    ['400 with HTML', (_form, response) => response.writeHead(400).end('<h1>'), 'provider_answer_invalid', 'contract'],
    [
      'a redirect',
      (_form, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'provider_answer_invalid',
      'contract',
    ],
    ['cut JSON', cut, 'provider_unreachable', 'transient'],
    ['half of the JSON', (_form, response) => response.end('{"access_token":"access-9"'), 'provider_answer_invalid', 'contract'],
    ['no access token', answer({ refresh_token: 'refresh-9', token_type: 'Bearer' }), 'provider_answer_invalid', 'contract'],
    ['a lifetime that is no number', wrongType, 'provider_answer_invalid', 'contract'],
    ['a megabyte', answer({ ...tokenBody(2), padding: 'x'.repeat(1_000_000) }), 'provider_answer_invalid', 'contract'],
  ])('reports %s by what happens next', async (_what, endpoint, code, outcome) => {
    await using server = await startTokenServer(endpoint)
    const error: unknown = await refreshTokens(runtimeAt(server.url), testProvider, 'refresh-1').catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code, outcome })
    expect(secretsIn(inspect(error, { depth: 10, showHidden: true }))).toEqual([])
  })

  it('hands on how long the provider asks to wait', async () => {
    const date = new Date(now + 90_000).toUTCString()
    await using server = await startTokenServer(answer({}, 429, { 'retry-after': '7' }), answer({}, 503, { 'retry-after': date }))
    const runtime = runtimeAt(server.url)
    await expect(refreshTokens(runtime, testProvider, 'refresh-1')).rejects.toMatchObject({ retryAfterMs: 7_000 })
    await expect(refreshTokens(runtime, testProvider, 'refresh-1')).rejects.toMatchObject({ retryAfterMs: 90_000 })
  })

  it('gives up on a server that does not answer', async () => {
    await using server = await startTokenServer(silent)
    const impatient: typeof fetch = (url, init) => {
      expect(init?.signal).toBeInstanceOf(AbortSignal)
      return fetch(url, { ...init, signal: AbortSignal.timeout(100) })
    }
    await expect(refreshTokens(runtimeAt(server.url, { fetch: impatient }), testProvider, 'refresh-1')).rejects.toMatchObject({
      code: 'provider_unreachable',
      message: expect.stringContaining('did not answer'),
    })
  })

  it('reports a server that is not there', async () => {
    await expect(refreshTokens(runtimeAt('http://127.0.0.1:1'), testProvider, 'refresh-1')).rejects.toMatchObject({
      code: 'provider_unreachable',
      outcome: 'transient',
    })
  })

  it('sends no secret in the clear to a provider', async () => {
    let asked = 0
    const counting: typeof fetch = async () => {
      asked += 1
      return Response.json(tokenBody(2))
    }
    const runtime = { ...runtimeAt('http://127.0.0.1:1', { fetch: counting }), config: readConfig(completeEnv()) }
    const insecure = { ...testProvider, auth: { ...testProvider.auth, tokenUrl: 'http://provider.test/token' } }
    await expect(refreshTokens(runtime, insecure, 'refresh-1')).rejects.toThrow()
    expect(asked).toBe(0)
  })
})

describe('requestServiceAccountToken', () => {
  it('signs an assertion for the real token endpoint, and sends it alone', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
    await using server = await startTokenServer(answer({ access_token: 'access-1', token_type: 'Bearer', expires_in: 3599 }))
    const runtime = runtimeAt(server.url, { env: { TEST_SERVICE_ACCOUNT: keyFile(await exportPKCS8(privateKey)) } })
    expect(await requestServiceAccountToken(runtime, testProvider)).toMatchObject({
      token: { accessToken: 'access-1', refreshToken: null, scopes: null },
    })

    const form = Object.fromEntries(server.forms[0] ?? [])
    expect(Object.keys(form).toSorted()).toEqual(['assertion', 'grant_type'])
    const { payload, protectedHeader } = await jwtVerify(form['assertion'] ?? '', publicKey, { currentDate: new Date(now) })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-1' })
    expect(payload).toEqual({
      iss: 'robot@project.test',
      scope: 'read',
      aud: 'https://provider.test/token',
      iat: now / 1000,
      exp: now / 1000 + 3600,
    })
  })

  it("is the operator's to mend when the key is refused", async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    await using server = await startTokenServer(
      answer({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 400),
    )
    const runtime = runtimeAt(server.url, { env: { TEST_SERVICE_ACCOUNT: keyFile(await exportPKCS8(privateKey)) } })
    await expect(requestServiceAccountToken(runtime, testProvider)).rejects.toMatchObject({
      code: 'client_rejected',
      outcome: 'config',
    })
  })

  it.each([
    ['nothing', ''],
    ['text that is not JSON', '-----BEGIN PRIVATE KEY-----hunter2'],
    ['another kind of key file', '{"type":"authorized_user","refresh_token":"hunter2"}'],
    ['a key that is not one', keyFile('-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----')],
  ])('names the variable, and quotes nothing, when it holds %s', async (_what, value) => {
    const runtime = runtimeAt('http://127.0.0.1:1', { env: { TEST_SERVICE_ACCOUNT: value } })
    const error: unknown = await requestServiceAccountToken(runtime, testProvider).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('TEST_SERVICE_ACCOUNT') })
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2')
  })
})

describe('requestAppToken', () => {
  const appOf = (clientAuth: 'body' | 'basic'): ProviderDefinition => ({
    ...testProvider,
    auth: { ...testProvider.auth, clientAuth, clientCredentials: { scopes: ['read', 'list'] } },
  })
  const further = { TEST_CLIENT_SECRET_other: 'other-secret' }

  it.each([
    ['body', 'test-client', 'test-client-secret'],
    ['body', 'other', 'other-secret'],
    ['basic', 'test-client', 'test-client-secret'],
    ['basic', 'other', 'other-secret'],
  ] as const)('proves itself in the %s as %s, with the secret of that app', async (clientAuth, clientId, secret) => {
    const headers: unknown[] = []
    const endpoint = answer({ access_token: 'access-1', token_type: 'Bearer', expires_in: 3599 })
    await using server = await startTokenServer((form, response, request) => {
      headers.push(request.headers.authorization)
      return endpoint(form, response, request)
    })
    const runtime = runtimeAt(server.url, { env: further })
    expect(await requestAppToken(runtime, appOf(clientAuth), clientId)).toMatchObject({
      token: { accessToken: 'access-1', refreshToken: null, expiresAt: now + 3599_000 },
    })
    const proof = { client_id: clientId, client_secret: secret }
    expect(server.forms.map((form) => Object.fromEntries(form))).toEqual([
      { grant_type: 'client_credentials', scope: 'read list', ...(clientAuth === 'body' && proof) },
    ])
    expect(headers.map(basicCredentials)).toEqual([clientAuth === 'basic' ? proof : undefined])
  })

  it.each<[string, ProviderDefinition, string, Record<string, unknown>]>([
    ['a provider that has no such grant', testProvider, 'test-client', { code: 'config_invalid' }],
    ['an app without a secret', appOf('body'), 'unknown', { context: { field: 'TEST_CLIENT_SECRET_unknown' } }],
    ['an app that is refused', appOf('body'), 'test-client', { code: 'client_rejected', outcome: 'config' }],
  ])("calls %s the operator's to mend", async (_what, definition, clientId, expected) => {
    await using server = await startTokenServer(answer({ error: 'invalid_grant' }, 400))
    await expect(requestAppToken(runtimeAt(server.url), definition, clientId)).rejects.toMatchObject(expected)
  })
})

describe('revokeToken', () => {
  const revoke = (url: string) =>
    revokeToken(runtimeAt(url), testProvider, 'https://provider.test/revoke', { token: 'refresh-1', hint: 'refresh_token' })

  it('sends the token with its kind and the proof of the app', async () => {
    await using server = await startTokenServer((_form, response, request) => {
      expect(request.url).toBe('/provider.test/revoke')
      response.writeHead(200).end()
    })
    await revoke(server.url)
    expect(server.forms.map((form) => Object.fromEntries(form))).toEqual([
      { token: 'refresh-1', token_type_hint: 'refresh_token', client_id: 'test-client', client_secret: 'test-client-secret' },
    ])
  })

  it.each([
    [200, 'refresh-1', 'accepted'],
    // A token that is not known is one that has ended.
    [400, 'invalid_token', 'accepted'],
    [400, 'invalid_grant', 'accepted'],
    [400, 'invalid_client', 'client_rejected'],
    [400, 'unsupported_token_type', 'client_rejected'],
    [404, 'refresh-1', 'client_rejected'],
    [401, 'refresh-1', 'client_rejected'],
    [403, 'refresh-1', 'client_rejected'],
    [429, 'refresh-1', 'provider_unavailable'],
    [503, 'invalid_token', 'provider_unavailable'],
  ])('takes the status %i with the error %s for %s', async (status, error, code) => {
    await using server = await startTokenServer(answer({ error }, status))
    const seen = await outcome(revoke(server.url))
    expect(seen).toMatchObject({ code })
    expect(secretsIn(inspect(seen, { depth: 10, showHidden: true }))).toEqual([])
  })

  it('reports no answer as one that may come yet, without the token', async () => {
    const seen = await outcome(revoke('http://127.0.0.1:1'))
    expect(seen).toMatchObject({ code: 'provider_unreachable', outcome: 'transient' })
    expect(secretsIn(inspect(seen, { depth: 10, showHidden: true }))).toEqual([])
  })
})

/** What it threw; the code `accepted` when it did not. */
function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => ({ code: 'accepted' }),
    (error: unknown) => error,
  )
}

/** What HTTP Basic carries, each part encoded as in a form (RFC 6749 §2.3.1). */
function basicCredentials(header: unknown): { client_id: string; client_secret: string } | undefined {
  if (typeof header !== 'string') return undefined
  const [id = '', secret = ''] = Buffer.from(header.replace('Basic ', ''), 'base64').toString().split(':')
  return { client_id: decodeURIComponent(id), client_secret: decodeURIComponent(secret) }
}

function keyFile(privateKey: string): string {
  const file = { type: 'service_account', client_email: 'robot@project.test', private_key: privateKey, private_key_id: 'key-1' }
  return JSON.stringify(file)
}
