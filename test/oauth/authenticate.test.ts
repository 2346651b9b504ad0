import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/shared/config.ts'
import { authenticate } from '../../src/shared/oauth/authenticate.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { json, startServer, type TestServer } from '../http/test-server.ts'
import { completeEnv } from './support.ts'

const userId = '5b6c5f0e-8f0c-4d7a-9b1e-0a4c4f4f8a11'
const hsSecret = new TextEncoder().encode('x'.repeat(32))

/** An Auth server that publishes one key, and that knows by itself the HS256 tokens of `hsSecret` only. */
let auth: TestServer
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let runtime: Runtime

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' }
  auth = await startServer((request, response) => {
    if (request.url === '/auth/v1/.well-known/jwks.json') return json({ keys: [jwk] })(request, response)
    const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
    if (request.url === '/auth/v1/user' && acceptedByAuth.has(token))
      return json({ id: userId, aud: 'authenticated' })(request, response)
    return json({ code: 403, error_code: 'bad_jwt', msg: 'invalid JWT' }, 403)(request, response)
  })
  runtime = runtimeAt(auth.url)
})
afterAll(() => auth[Symbol.asyncDispose]())

const acceptedByAuth = new Set<string>()
const runtimeAt = (url: string) => ({ config: readConfig({ ...completeEnv(), CONNECTOR_SUPABASE_URL: url }), fetch }) as Runtime
const who = (authorization?: string, at = runtime) =>
  authenticate(new Request('https://x.example/', { headers: authorization === undefined ? {} : { authorization } }), at)

function sign(claims: JWTPayload = {}, { key = keys.privateKey, kid = 'key-1', expires = '1 hour' } = {}): Promise<string> {
  return new SignJWT({ role: 'authenticated', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
    .setSubject(userId)
    .setExpirationTime(expires)
    .sign(key)
}

describe('authenticate', () => {
  it('knows a user by an asymmetric JWT, and one by the older kind that the Auth server vouches for', async () => {
    expect(await who(`Bearer ${await sign()}`)).toEqual({ id: userId })
    const old = await new SignJWT({ role: 'authenticated' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(userId)
      .setExpirationTime('1 hour')
      .sign(hsSecret)
    acceptedByAuth.add(old)
    expect(await who(`bearer ${old}`)).toEqual({ id: userId })
  })

  it('refuses a forged JWT of the right shape: its kid, another key', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    await expect(who(`Bearer ${await sign({}, { key: privateKey })}`)).rejects.toMatchObject({
      code: 'unauthorized',
      status: 401,
    })
  })

  it('refuses an HS256 signature made with the public key', async () => {
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))
    const forged = await new SignJWT({ role: 'authenticated' })
      .setProtectedHeader({ alg: 'HS256', kid: 'key-1', typ: 'JWT' })
      .setSubject(userId)
      .setExpirationTime('1 hour')
      .sign(secret)
    await expect(who(`Bearer ${forged}`)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no scheme', 'abc.def.ghi'],
    ['another scheme', 'Basic abc.def.ghi'],
    ['a key that is no JWT', 'Bearer sb_secret_abcdefgh'],
    ['text in the form of a JWT', 'Bearer abc.def.ghi'],
    ['two tokens', 'Bearer abc.def.ghi, Bearer abc.def.ghi'],
  ])('refuses %s', async (_what, header) => {
    await expect(who(header)).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('refuses a JWT without a signature, one of a key nobody knows, an expired one and one that lasts for ever', async () => {
    const unsecured = new UnsecuredJWT({ role: 'authenticated' }).setSubject(userId).setExpirationTime('1 hour').encode()
    const [, payload] = unsecured.split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid: 'key-1' })).toString('base64url')
    const endless = await new SignJWT({ role: 'authenticated', sub: userId })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1' })
      .sign(keys.privateKey)
    for (const token of [
      unsecured,
      `${header}.${payload}.`,
      `${header}.${payload}.c2ln`,
      await sign({}, { kid: 'key-2' }),
      await sign({}, { expires: '-1 minute' }),
      endless,
    ]) {
      await expect(who(`Bearer ${token}`), token).rejects.toMatchObject({ code: 'unauthorized' })
    }
  })

  it('refuses what is signed well and is no user: the anon and service keys, and a subject that is no id', async () => {
    for (const claims of [{ role: 'anon' }, { role: 'service_role' }, { role: undefined }, { sub: 'admin' }]) {
      const token = await new SignJWT({ sub: userId, role: 'authenticated', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'key-1' })
        .setExpirationTime('1 hour')
        .sign(keys.privateKey)
      await expect(who(`Bearer ${token}`), JSON.stringify(claims)).rejects.toMatchObject({ code: 'unauthorized' })
    }
  })

  it('says that the Auth server is away when it is, rather than that the user is nobody', async () => {
    const token = await new SignJWT({ role: 'authenticated' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(userId)
      .setExpirationTime('1 hour')
      .sign(hsSecret)
    await expect(who(`Bearer ${token}`, runtimeAt('http://127.0.0.1:1'))).rejects.toMatchObject({
      outcome: 'transient',
      status: 503,
    })
  })
})
