import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import type { AuthorizationServerOptions } from '../../src/sandbox/oauth/authorization-server.ts'
import { defaultClient } from '../../src/sandbox/oauth/clients.ts'
import { rfcTokenAnswer } from '../../src/sandbox/oauth/token-answer.ts'
import { openVendor, verifier, type Form, type VendorOptions } from './vendor.ts'

type Vendor = Awaited<ReturnType<typeof openVendor>>
type Tokens = AuthorizationServerOptions['tokens']

const challenge = createHash('sha256').update(verifier).digest('base64url')
const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
const readOfAnn = { account: 'ann', line: 'user', scopes: ['read'] }
const singleUse = (more: object): VendorOptions => ({
  tokens: { accessTokenSeconds: 60, refreshTokens: { kind: 'single-use', ...more } } satisfies Tokens,
})

describe('the consent', () => {
  it('is for the account that was chosen, and yields tokens of the lifetime and scope agreed', async () => {
    await using vendor = await openVendor()
    const { code, ...rest } = await vendor.consent({ scope: 'write read' }, { account: 'bob' })
    expect(rest).toEqual({ state: 's1' })
    const { status, body } = await vendor.exchange(code)
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^[\w-]{43}$/),
        token_type: 'Bearer',
        expires_in: 60,
        refresh_token: expect.stringMatching(/^[\w-]{43}$/),
        scope: 'write read',
      },
    ])
    expect(await vendor.ask(body['access_token'])).toEqual({ account: 'bob', line: 'user', scopes: ['write', 'read'] })
  })

  const denials: [string, VendorOptions, Form][] = [
    ['as RFC 6749 has it', {}, { error: 'access_denied', state: 's1' }],
    ['with its issuer', { issuer: 'https://vendor.test' }, { error: 'access_denied', state: 's1', iss: 'https://vendor.test' }],
    ['without a word', { authorize: { denial: () => ({}) } }, {}],
    ['with more', { authorize: { denial: () => ({ error: 'access_denied', sub: 'x' }) } }, { error: 'access_denied', sub: 'x' }],
  ]
  it.each(denials)('is refused %s', async (_how, options, parameters) => {
    await using vendor = await openVendor(options)
    expect(await vendor.consent({}, { deny: true })).toEqual(parameters)
    expect(await vendor.control.liveGrants('ann')).toBe(0)
  })

  it('can be refused for some accounts although they agree', async () => {
    const refuse = ({ account }: { account: string }) => (account === 'bob' ? { error: 'consent_required' } : undefined)
    await using vendor = await openVendor({ authorize: { refuse } })
    expect(await vendor.consent({}, { account: 'bob' })).toEqual({ state: 's1', error: 'consent_required' })
    expect(await vendor.consent()).toHaveProperty('code')
  })

  it('leaves out what was unticked, where that is possible, and is a refusal with nothing left', async () => {
    const lines = [{ name: 'user', scopes: { parameter: 'scope', untickable: true } }]
    await using vendor = await openVendor({ lines })
    expect(await vendor.connect({ scope: 'read write' }, { scopes: ['write'] })).toMatchObject({ scope: 'write' })
    expect(await vendor.consent({}, { scopes: [] })).toMatchObject({ error: 'access_denied' })
  })

  const errors: [string, VendorOptions, Form, RegExp][] = [
    ['an unknown app gets a page', {}, { client_id: 'x' }, /invalid_client/],
    ['an unknown redirect URI gets a page', {}, { redirect_uri: 'https://evil.test/' }, /redirect_uri_mismatch/],
    ['a wrong scope is told to the app', {}, { scope: 'all' }, /^http.*error=invalid_scope.*state=s1/],
    ['no scope is told to the app', {}, { scope: '' }, /^http.*error=invalid_request/],
    ['a wrong response type is told to the app', {}, { response_type: 'token' }, /^http.*error=unsupported_response_type/],
    ['a wrong scope gets a page', { authorize: { errors: 'page' } }, { scope: 'all' }, /invalid_scope/],
    ['a missing challenge is told to the app', { pkce: 'required' }, {}, /^http.*error=invalid_request/],
    ['plain is told to the app', { pkceMethods: ['S256'] }, { code_challenge: challenge }, /^http.*error=invalid_request/],
  ]
  it.each(errors)('%s', async (_title, options, query, expected) => {
    await using vendor = await openVendor(options)
    const answer = await fetch(vendor.authorizeUrl(query), { redirect: 'manual' })
    expect(answer.headers.get('location') ?? `${answer.status} ${await answer.text()}`).toMatch(expected)
    expect(answer.status).toBe(expected.source.startsWith('^http') ? 302 : 400)
  })
})

describe('a code', () => {
  it('is good once: a replay ends the tokens of the first exchange, refreshed ones too', async () => {
    await using vendor = await openVendor()
    const { code } = await vendor.consent()
    const first = (await vendor.exchange(code)).body
    const second = (await vendor.refresh(first['refresh_token'])).body
    expect(await vendor.control.liveGrants('ann')).toBe(1)
    expect(await vendor.exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect([await vendor.ask(first['access_token']), await vendor.ask(second['access_token'])]).toEqual(['revoked', 'revoked'])
    expect(await vendor.refresh(second['refresh_token'])).toMatchObject({ status: 400 })
    expect(await vendor.control.liveGrants('ann')).toBe(0)
  })

  it('ends after its time', async () => {
    await using vendor = await openVendor({ codeSeconds: 300 })
    const { code } = await vendor.consent()
    await vendor.admin.setClockSkew(301)
    expect(await vendor.exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  const exchanges: [string, VendorOptions, Form, Form, string | null][] = [
    ['the right verifier', {}, pkce, { code_verifier: verifier }, null],
    ['a wrong verifier', {}, pkce, { code_verifier: 'w'.repeat(43) }, 'invalid_grant'],
    ['no verifier', {}, pkce, {}, 'invalid_grant'],
    ['no PKCE', {}, {}, {}, null],
    ['a verifier where there is no PKCE', { pkce: 'ignored' }, pkce, { code_verifier: 'x' }, null],
    ['a verifier where PKCE is refused', { pkce: 'refused' }, pkce, { code_verifier: verifier }, 'invalid_request'],
    ['another redirect URI', {}, {}, { redirect_uri: 'http://127.0.0.1:1/' }, 'invalid_grant'],
    ['a wrong secret', {}, {}, { client_secret: 'x' }, 'invalid_client'],
    ['no secret', {}, {}, { client_secret: '' }, 'invalid_client'],
    ['a secret in the body, where it has to be Basic', { clientAuth: ['basic'] }, {}, {}, 'invalid_client'],
    ['no grant type', {}, {}, { grant_type: '' }, 'invalid_request'],
    ['no grant type, where that is usual', { usualGrantType: 'authorization_code' }, {}, { grant_type: '' }, null],
    ['an unknown grant type', {}, {}, { grant_type: 'password' }, 'unsupported_grant_type'],
  ]
  it.each(exchanges)('is exchanged with %s', async (_with, options, query, form, error) => {
    await using vendor = await openVendor(options)
    const { code } = await vendor.consent(query)
    const { status, body } = await vendor.exchange(code, form)
    expect([status === 200, body['error'] ?? null]).toEqual([error === null, error])
  })

  it('is refused to an app that proves itself twice, unless the provider does not mind', async () => {
    for (const bothClientAuths of ['refused', 'accepted'] as const) {
      await using vendor = await openVendor({ bothClientAuths })
      const basic = { authorization: `Basic ${btoa('sandbox%2Dclient:sandbox-secret')}` }
      const form = { grant_type: 'authorization_code', redirect_uri: 'http://127.0.0.1:9999/callback' }
      const send = async (more: Form) =>
        vendor.post('token', { ...form, ...more, code: (await vendor.consent())['code'] ?? '' }, basic)
      expect(await send({})).toMatchObject({ status: 200 })
      expect(await send(vendor.app)).toMatchObject({ status: bothClientAuths === 'refused' ? 400 : 200 })
    }
  })
})

describe('a refresh token', () => {
  /** Uses the first refresh token twice; says how the second time went, and what works afterwards. */
  async function reuse(vendor: Vendor, skewSeconds = 0) {
    const first = await vendor.connect()
    const second = (await vendor.refresh(first['refresh_token'])).body
    await vendor.admin.setClockSkew(skewSeconds)
    const again = await vendor.refresh(first['refresh_token'])
    const after = await vendor.refresh(second['refresh_token'] ?? first['refresh_token'])
    const { refreshReuses } = await vendor.control.tokenStats()
    return { again: again.status, after: after.status, rotates: second['refresh_token'] !== undefined, refreshReuses }
  }

  const policies: [string, VendorOptions, number, object][] = [
    [
      'kept',
      { tokens: { accessTokenSeconds: 60, refreshTokens: { kind: 'kept' } } },
      0,
      { again: 200, after: 200, rotates: false, refreshReuses: 0 },
    ],
    [
      'replaced',
      { tokens: { accessTokenSeconds: 60, refreshTokens: { kind: 'replaced' } } },
      0,
      { again: 200, after: 200, rotates: true, refreshReuses: 1 },
    ],
    ['single-use', singleUse({}), 0, { again: 400, after: 200, rotates: true, refreshReuses: 1 }],
    [
      'single-use, reuse ends the family',
      singleUse({ reuse: 'ends-family' }),
      0,
      { again: 400, after: 400, rotates: true, refreshReuses: 1 },
    ],
    [
      'single-use, within the grace',
      singleUse({ graceSeconds: 30, reuse: 'ends-family' }),
      29,
      { again: 200, after: 200, rotates: true, refreshReuses: 1 },
    ],
    [
      'single-use, after the grace',
      singleUse({ graceSeconds: 30, reuse: 'ends-family' }),
      31,
      { again: 400, after: 400, rotates: true, refreshReuses: 1 },
    ],
  ]
  it.each(policies)('that is %s', async (_kind, options, skew, expected) => {
    await using vendor = await openVendor(options)
    expect(await reuse(vendor, skew)).toEqual(expected)
  })

  it('does not rotate once rotation is switched off, and may then not be there at all', async () => {
    await using vendor = await openVendor()
    await vendor.control.configure({ rotation: false })
    expect(await reuse(vendor)).toEqual({ again: 200, after: 200, rotates: false, refreshReuses: 0 })
    await vendor.control.configure({ rotation: true })
    expect(await reuse(vendor)).toMatchObject({ again: 400, rotates: true })

    const tokensWithoutRotation: Tokens = { accessTokenSeconds: null, refreshTokens: { kind: 'none' } }
    await using other = await openVendor({ tokensWithoutRotation })
    await other.control.configure({ rotation: false })
    const token = await other.connect()
    expect([token['refresh_token'], token['expires_in']]).toEqual([undefined, undefined])
    await other.admin.setClockSkew(1e9)
    expect(await other.ask(token['access_token'])).toEqual(readOfAnn)
    expect(await other.control.liveGrants('ann')).toBe(1)
  })

  it('may live for a while only, be wanted by some consents only, and narrow what it refreshes', async () => {
    const wantsRefreshToken = ({ scopes }: { scopes: Readonly<Record<string, readonly string[]>> }) =>
      scopes['user']?.includes('write') ?? false
    await using vendor = await openVendor({
      ...singleUse({ seconds: 100 }),
      lines: [{ name: 'user', scopes: { parameter: 'scope' }, wantsRefreshToken }],
    })
    expect(await vendor.connect()).not.toHaveProperty('refresh_token')
    const first = await vendor.connect({ scope: 'read write' })
    const narrowed = (await vendor.refresh(first['refresh_token'], { scope: 'read' })).body
    expect(narrowed).toMatchObject({ scope: 'read' })
    expect(await vendor.refresh(narrowed['refresh_token'], { scope: 'read all' })).toMatchObject({
      body: { error: 'invalid_scope' },
    })
    await vendor.admin.setClockSkew(101)
    expect(await vendor.refresh(narrowed['refresh_token'])).toMatchObject({ body: { error: 'invalid_grant' } })
  })

  it('is good for the app that it was issued to, and no other; so is a code', async () => {
    const other = { clientId: 'other', clientSecret: 'x', redirectUris: [] }
    await using vendor = await openVendor({ clients: [defaultClient, other] })
    const { code } = await vendor.consent()
    const asOther = { client_id: 'other', client_secret: 'x' }
    const refused = { status: 400, body: { error: 'invalid_grant' } }
    expect(await vendor.exchange(code, asOther)).toMatchObject(refused)
    const { refresh_token: token } = (await vendor.exchange(code)).body
    expect(await vendor.refresh(token, asOther)).toMatchObject(refused)
    expect(await vendor.refresh(token)).toMatchObject({ status: 200 })
  })

  it('is taken by one of two requests that come at once', async () => {
    const lines: VendorOptions['lines'] = [
      { name: 'user', scopes: { onApp: ['read'] }, accessToken: { type: 'jwt', alg: 'RS256', claims: () => ({}) } },
    ]
    await using vendor = await openVendor({ lines })
    const { refresh_token: token } = await vendor.connect()
    await vendor.admin.addFault({ match: { path: '^/t1/token$' }, fault: { type: 'delay', ms: 50 }, times: 2 })
    const answers = await Promise.all([vendor.refresh(token), vendor.refresh(token)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400])
    expect(await vendor.control.tokenStats()).toMatchObject({
      refresh_token: { requests: 2, issued: 1 },
      refreshReuses: 1,
      mostAtOnce: 2,
    })
  })
})

describe('an access token', () => {
  it('can be a JWT with the claims and the key of the provider', async () => {
    for (const alg of ['RS256', 'ES512', 'HS256'] as const) {
      const claims = ({ account, scopes }: { account: string | null; scopes: readonly string[] }) => ({
        userid: account,
        scope: scopes,
      })
      await using vendor = await openVendor({
        lines: [{ name: 'user', scopes: { parameter: 'scope' }, accessToken: { type: 'jwt', alg, claims } }],
      })
      await vendor.control.configure({ accessTokenSeconds: 7 })
      const { access_token: token = '' } = await vendor.connect()
      const { iat = 0, exp, ...rest } = decodeJwt(token)
      expect(decodeProtectedHeader(token)).toMatchObject({ alg, typ: 'JWT' })
      expect([exp, rest]).toEqual([iat + 7, { userid: 'ann', scope: ['read'], jti: expect.any(String) }])
      expect(await vendor.ask(token)).toEqual(readOfAnn)
      const keys = await vendor.oauth.publicKeys()
      const signed = jwtVerify(token, createLocalJWKSet(keys)).then(
        () => true,
        () => false,
      )
      expect(await signed).toBe(alg !== 'HS256')
      expect(JSON.stringify(keys)).not.toContain('"d"')
    }
  })

  it('lives as long as configured, and the answer says so unless it is told not to', async () => {
    await using vendor = await openVendor()
    await vendor.control.configure({ accessTokenSeconds: 5 })
    await vendor.control.configure({ sayExpiry: false })
    const quiet = await vendor.connect()
    expect(quiet).not.toHaveProperty('expires_in')
    await vendor.admin.setClockSkew(5)
    expect(await vendor.ask(quiet['access_token'])).toBe('expired')
    await vendor.control.configure({ sayExpiry: true })
    const said = await vendor.connect()
    expect(said).toMatchObject({ expires_in: 5 })
    await vendor.control.expireAccessTokens()
    expect([await vendor.ask(said['access_token']), await vendor.ask('nonsense')]).toEqual(['expired', 'unknown'])
    expect(await vendor.refresh(said['refresh_token'])).toMatchObject({ status: 200 })
  })

  it('can be for the app itself', async () => {
    await using vendor = await openVendor({ clientCredentials: { known: ['read'] } })
    const ask = (scope: string) => vendor.post('token', { ...vendor.app, grant_type: 'client_credentials', scope })
    const { body } = await ask('read')
    expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 60, scope: 'read' })
    expect(await vendor.ask(body['access_token'])).toEqual({ ...readOfAnn, account: null })
    expect(await ask('write')).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
    expect((await vendor.control.tokenStats()).client_credentials).toEqual({ requests: 2, issued: 1 })
  })
})

describe('several lines', () => {
  const two: VendorOptions = {
    scopeSeparator: ',',
    lines: [
      { name: 'bot', scopes: { parameter: 'scope' } },
      { name: 'user', scopes: { parameter: 'user_scope' } },
    ],
    tokenAnswer: (answer) =>
      Object.fromEntries(answer.tokens.map((token) => [token.line, rfcTokenAnswer({ ...answer, tokens: [token] })])),
  }

  it('have scopes and refresh tokens of their own, and a line that nobody asked for has no token', async () => {
    await using vendor = await openVendor(two)
    const both = (await vendor.connect({ scope: 'post,read', user_scope: 'read' })) as unknown as Record<string, Form>
    expect(both).toMatchObject({ bot: { scope: 'post,read' }, user: { scope: 'read' } })
    expect(await vendor.ask(both['bot']?.['access_token'])).toMatchObject({ line: 'bot', scopes: ['post', 'read'] })
    expect((await vendor.refresh(both['user']?.['refresh_token'])).body).toMatchObject({ user: { scope: 'read' } })
    expect(await vendor.refresh(both['bot']?.['refresh_token'])).toMatchObject({ status: 200 })
    expect(await vendor.connect({ scope: '', user_scope: 'read' })).toEqual({ user: expect.anything() })
  })

  it('end with their grant, and can be issued once more', async () => {
    await using vendor = await openVendor({ ...two, grants: 'shared' })
    await vendor.connect({ scope: 'post' })
    expect(await vendor.connect({ scope: 'read', user_scope: 'read' })).toMatchObject({ bot: { scope: 'post,read' } })
    const [grant] = vendor.oauth.grants('ann')
    expect(await vendor.control.liveGrants('ann')).toBe(1)
    const issued = await vendor.oauth.issue(grant?.id ?? '', 'user')
    expect(await vendor.ask(issued.accessToken)).toEqual({ ...readOfAnn, line: 'user' })
    expect(vendor.oauth.endToken(issued.accessToken)).toBe(true)
    expect(await vendor.ask(issued.accessToken)).toBe('revoked')
    expect(vendor.oauth.endGrant(grant?.id ?? '')).toBe(true)
    expect(await vendor.refresh(issued.refreshToken)).toMatchObject({ status: 400 })
    expect(await vendor.control.liveGrants('ann')).toBe(0)
  })
})

describe('revocation', () => {
  it.each(['grant', 'family', 'token'] as const)('ends the %s, and answers 200 for a token that nobody knows', async (ends) => {
    await using vendor = await openVendor({ revocation: { ends } })
    const tokens = await vendor.connect()
    const revoke = (token = '', form: Form = {}) => vendor.post('revoke', { ...vendor.app, token, ...form })
    expect(await revoke(tokens['refresh_token'], { client_secret: 'x' })).toMatchObject({ status: 401 })
    expect(await revoke(tokens['refresh_token'])).toMatchObject({ status: 200, body: null })
    expect(await vendor.refresh(tokens['refresh_token'])).toMatchObject({ status: 400 })
    expect(await vendor.ask(tokens['access_token'])).toEqual(ends === 'token' ? readOfAnn : 'revoked')
    expect(await vendor.control.liveGrants('ann')).toBe(ends === 'token' ? 1 : 0)
    expect(await revoke('nonsense')).toMatchObject({ status: 200 })
  })

  it.each(['grant', 'family'] as const)(
    'leaves other connections of a shared grant alone unless it ends the %s',
    async (ends) => {
      await using vendor = await openVendor({ grants: 'shared', revocation: { ends } })
      const [first, second] = [await vendor.connect(), await vendor.connect()]
      await vendor.post('revoke', { ...vendor.app, token: first['access_token'] ?? '' })
      expect(await vendor.refresh(first['refresh_token'])).toMatchObject({ status: 400 })
      expect(await vendor.refresh(second['refresh_token'])).toMatchObject({ status: ends === 'grant' ? 400 : 200 })
    },
  )

  it('refuses a token that nobody knows, where the provider does', async () => {
    await using vendor = await openVendor({ revocation: { unknown: 'refused', clientAuth: false } })
    expect(await vendor.post('revoke', { token: 'x' })).toMatchObject({ status: 400, body: { error: 'invalid_token' } })
  })
})

describe('the control', () => {
  it('ends what an account has granted, and knows every secret', async () => {
    await using vendor = await openVendor()
    expect(await vendor.control.accounts()).toMatchObject([{ name: 'ann', id: 'a-1', label: 'Ann' }, { name: 'bob' }])
    const { code = '' } = await vendor.consent()
    const first = (await vendor.exchange(code)).body
    const second = (await vendor.refresh(first['refresh_token'])).body
    await vendor.connect()
    await vendor.connect({}, { account: 'bob' })
    expect([await vendor.control.liveGrants('ann'), await vendor.control.revokeGrants('ann')]).toEqual([2, 2])
    expect(await vendor.ask(second['access_token'])).toBe('revoked')
    expect([await vendor.control.liveGrants('ann'), await vendor.control.liveGrants('bob')]).toEqual([0, 1])
    const secrets = [code, ...[first, second].flatMap((body) => [body['access_token'], body['refresh_token']])]
    expect(await vendor.control.tokens()).toEqual(expect.arrayContaining(secrets))
    await expect(vendor.control.liveGrants('eve')).rejects.toThrow('There is no account eve, only ann, bob.')
    expect(await vendor.admin.providers()).toEqual(['vendor-thing'])
    await expect(vendor.admin.control('other').tokens()).rejects.toThrow(
      '404 {"error":"The sandbox has no provider other, only vendor-thing."}',
    )
  })

  it('goes on after a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vendor-'))
    const options: VendorOptions = {
      statePath: join(folder, 'oauth.json'),
      lines: [{ name: 'user', scopes: { parameter: 'scope' }, accessToken: { type: 'jwt', alg: 'ES256', claims: () => ({}) } }],
    }
    const before = await openVendor(options)
    const tokens = await before.connect()
    const keys = await before.oauth.publicKeys()
    await before.close()
    await using after = await openVendor(options)
    expect(await after.ask(tokens['access_token'])).toEqual(readOfAnn)
    expect(await after.refresh(tokens['refresh_token'])).toMatchObject({ status: 200 })
    expect(await after.oauth.publicKeys()).toEqual(keys)
    await rm(folder, { recursive: true })
  })

  it('lets the token endpoint meet faults, in the words of the provider', async () => {
    await using vendor = await openVendor()
    const { refresh_token: token } = await vendor.connect()
    const meet = (type: 'forbidden' | 'not-found' | 'lost-response') =>
      vendor.admin.addFault({ match: { path: '/t1/token' }, fault: { type } }).then(() => vendor.refresh(token))
    expect(await meet('forbidden')).toEqual({ status: 403, body: 403 })
    expect(await meet('not-found')).toEqual({ status: 404, body: 'no /t1/token' })
    await expect(meet('lost-response')).rejects.toThrow('fetch failed')
    expect((await vendor.control.tokenStats()).refresh_token).toEqual({ requests: 3, issued: 1 })
    expect(await vendor.refresh(token)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})
