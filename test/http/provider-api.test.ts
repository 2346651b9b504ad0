import type { RequestListener } from 'node:http'
import { json as readJson } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { PatchbayError } from '../../src/shared/errors.ts'
import { createLogger } from '../../src/shared/log.ts'
import { createProviderApi, type ProviderApi, type RequestLimits, requestLimits } from '../../src/shared/http/provider-api.ts'
import type { TokenSource } from '../../src/shared/oauth/token-source.ts'
import { type ApiRequest, type ProviderDefinition, defineProvider } from '../../src/shared/providers/define.ts'
import { json, startServer, text } from './test-server.ts'

const example = defineProvider({
  id: 'example',
  name: 'Example',
  docs: 'https://docs.example.test',
  auth: {
    issuer: 'https://auth.example.test',
    issuerInResponse: false,
    authorizeUrl: 'https://auth.example.test/authorize',
    tokenUrl: 'https://auth.example.test/token',
    scopes: [],
    clientAuth: 'body',
    pkce: true,
    usedRefreshToken: 'valid',
    lifetimeIfUnsaid: 3600,
    env: { clientId: 'EXAMPLE_CLIENT_ID', clientSecret: 'EXAMPLE_CLIENT_SECRET', redirectUri: 'EXAMPLE_REDIRECT_URI' },
  },
  api: {
    baseUrl: 'https://api.example.test/v1',
    reason: (body) => z.object({ reason: z.string().optional() }).safeParse(body).data?.reason,
    reasons: {
      tooFast: 'rate_limited',
      scopeMissing: 'reconnect',
      tokenOld: 'unauthorized',
      appMissing: 'not_installed',
      wrongVersion: 'contract',
    },
  },
  account: { request: { path: '/me' }, read: () => ({ id: '1', label: 'Pat' }) },
  lists: { things: { request: () => ({ path: '/things' }), read: () => ({ items: [], next: null }) } },
  streams: {},
})

const Thing = z.object({ id: z.string() })
const thing = { id: 'a' }
const secret = 'secret-access-token'

/** An API whose clock moves only while it sleeps, or when a test moves it. */
function setUp(sandboxUrl: string, { limits, clock = { ms: Date.parse('2026-11-21T12:00:00Z') } }: SetUp = {}) {
  const sleeps: number[] = []
  const renewals: bigint[] = []
  const refusals: [bigint, string][] = []
  const tokens: TokenSource = {
    get: async () => ({ accessToken: secret, tokenType: 'bearer', version: 3n }),
    renew: async (version) => {
      renewals.push(version)
      return { accessToken: 'newer-access-token', tokenType: 'bearer', version: version + 1n }
    },
    refused: async (...refusal) => void refusals.push(refusal),
  }
  const runtime = {
    config: { sandboxUrl, optional: () => undefined },
    fetch,
    now: () => clock.ms,
    sleep: async (ms: number) => {
      sleeps.push(ms)
      clock.ms += ms
    },
    log: createLogger('error', () => {}, Date.now),
  }
  const open = (definition: ProviderDefinition, tenant?: string) =>
    createProviderApi({
      runtime,
      definition,
      tokens,
      limits: { ...requestLimits, ...limits },
      ...(tenant !== undefined && { tenant }),
    })
  return { api: open(example), open, sleeps, renewals, refusals, tokens }
}

interface SetUp {
  limits?: Partial<RequestLimits>
  clock?: { ms: number }
}

async function failure(api: ProviderApi, path = '/things'): Promise<PatchbayError> {
  const error: unknown = await api.get(path, { cursor: 'secret-cursor' }, Thing).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof PatchbayError) return error
  throw new Error('It did not fail.', { cause: error })
}

it('sends a GET below the base URL with the bearer token, without parameters that are undefined', async () => {
  await using server = await startServer(json(thing))
  const { api } = setUp(server.url)
  await expect(api.get('/things?a=1', { b: 'x y', c: undefined }, Thing)).resolves.toEqual(thing)
  expect(server.requests[0]).toMatchObject({ method: 'GET', url: '/api.example.test/v1/things?a=1&b=x+y' })
  expect(server.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${secret}`, accept: 'application/json' })
})

it('counts every request and the decoded bytes of every answer', async () => {
  const body = JSON.stringify(thing)
  const packed = gzipSync(body)
  await using server = await startServer(text('oops', 'text/plain', 500), (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed)
  })
  const { api } = setUp(server.url)
  await api.get('/things', {}, Thing)
  expect(api.usage).toEqual({ requests: 2, bytes: 'oops'.length + body.length })
})

it('tries a failure of the server again, after a random pause below a doubling ceiling', async () => {
  await using server = await startServer(json({}, 500), json({}, 502), json({}, 503), json({}, 408), json(thing))
  const { api, sleeps } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
  expect(sleeps).toHaveLength(4)
  for (const [index, ms] of sleeps.entries()) expect(ms).toBeLessThan(1_000 * 2 ** index)
})

it('gives up after five attempts', async () => {
  await using server = await startServer(json({ reason: 'backendError' }, 503))
  const { api } = setUp(server.url)
  const error = await failure(api)
  expect(error).toMatchObject({
    code: 'provider_unavailable',
    outcome: 'transient',
    context: { status: 503, reason: 'backendError' },
  })
  expect(server.requests).toHaveLength(5)
})

it('begins no attempt later than a minute after the first', async () => {
  const clock = { ms: 0 }
  await using server = await startServer((_request, response) => {
    clock.ms += 31_000
    response.writeHead(500).end()
  })
  const { api } = setUp(server.url, { clock })
  expect(await failure(api)).toMatchObject({ code: 'provider_unavailable' })
  expect(server.requests).toHaveLength(2)
})

it('waits as long as the provider asks, in seconds', async () => {
  await using server = await startServer(json({}, 429, { 'retry-after': '7' }), json(thing))
  const { api, sleeps } = setUp(server.url)
  await api.get('/things', {}, Thing)
  expect(sleeps).toEqual([7_000])
})

it('waits until the date that the provider names', async () => {
  await using server = await startServer(json({}, 503, { 'retry-after': 'Sat, 21 Nov 2026 12:00:09 GMT' }), json(thing))
  const { api, sleeps } = setUp(server.url)
  await api.get('/things', {}, Thing)
  expect(sleeps).toEqual([9_000])
})

it('does not sleep through a long pause, and says how long it is', async () => {
  await using server = await startServer(json({}, 429, { 'retry-after': '30' }))
  const { api, sleeps } = setUp(server.url)
  expect(await failure(api)).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 30_000 })
  expect(sleeps).toEqual([])
  expect(server.requests).toHaveLength(1)
})

it('waits as long as the body asks, where a provider says it there, unless a header does', async () => {
  await using server = await startServer(
    json({ reason: 'tooFast', seconds: 3 }),
    json({ reason: 'tooFast', seconds: 3 }, 429, { 'retry-after': '7' }),
    json(thing),
  )
  const { open, sleeps } = setUp(server.url)
  const Wait = z.object({ seconds: z.number() })
  const retryAfterMs = ({ body }: { body: unknown }) => Wait.parse(body).seconds * 1_000
  await open({ ...example, api: { ...example.api, retryAfterMs } }).get('/things', {}, Thing)
  expect(sleeps).toEqual([3_000, 7_000])
})

it('says who has to install an app that is missing', async () => {
  await using server = await startServer(json({ reason: 'appMissing' }, 403))
  const { api } = setUp(server.url)
  expect(await failure(api)).toMatchObject({ hint: expect.stringContaining('administrator') })
})

it('takes a 403 with a quota reason for what it is', async () => {
  await using server = await startServer(json({ reason: 'tooFast' }, 403), json(thing))
  const { api, sleeps } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
  expect(sleeps).toHaveLength(1)
})

it('sorts answers by what happens next, and sends a lasting one once', async () => {
  const cases = [
    [400, 'badQuery', 'provider_rejected', 'rejected'],
    [403, 'notYours', 'provider_forbidden', 'rejected'],
    [403, 'scopeMissing', 'provider_unauthorized', 'reconnect'],
    [404, 'notFound', 'provider_not_found', 'rejected'],
    [410, 'gone', 'provider_not_found', 'rejected'],
    [403, 'appMissing', 'app_not_installed', 'rejected'],
    // Some providers report failures with 200; the reason counts.
    [200, 'scopeMissing', 'provider_unauthorized', 'reconnect'],
    [200, 'appMissing', 'app_not_installed', 'rejected'],
    [200, 'wrongVersion', 'provider_answer_invalid', 'contract'],
    [200, 'badQuery', 'provider_rejected', 'rejected'],
    [403, 'constructor', 'provider_forbidden', 'rejected'],
  ] as const
  for (const [status, reason, code, outcome] of cases) {
    await using server = await startServer(json({ reason }, status))
    const { api } = setUp(server.url)
    expect(await failure(api)).toMatchObject({ code, outcome, context: { provider: 'example', status, reason } })
    expect(server.requests).toHaveLength(1)
  }
})

it('asks for a newer token once when its token is refused', async () => {
  await using server = await startServer(json({}, 401), json(thing))
  const { api, renewals, sleeps } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
  expect(renewals).toEqual([3n])
  expect(sleeps).toEqual([])
  expect(server.requests.map((request) => request.headers.authorization)).toEqual([
    `Bearer ${secret}`,
    'Bearer newer-access-token',
  ])
})

it('asks the owner to connect again when the newer token is refused too', async () => {
  await using server = await startServer(json({ reason: 'authError' }, 401))
  const { api, renewals, refusals } = setUp(server.url)
  const error = await failure(api)
  expect(error).toMatchObject({ code: 'provider_unauthorized', context: { status: 401, reason: 'authError' } })
  expect(renewals).toHaveLength(1)
  expect(refusals).toEqual([[4n, error.message]])
  expect(server.requests).toHaveLength(2)
})

it('asks the owner to connect again when the reason says that only they can mend it', async () => {
  await using server = await startServer(json({ reason: 'scopeMissing' }, 403))
  const { api, renewals, refusals } = setUp(server.url)
  const error = await failure(api)
  expect(error).toMatchObject({ code: 'provider_unauthorized', outcome: 'reconnect' })
  expect(renewals).toEqual([])
  expect(refusals).toEqual([[3n, error.message]])
})

it('takes a reason that calls the token old for a 401, whatever the status', async () => {
  await using server = await startServer(json({ reason: 'tokenOld' }), json(thing))
  const { api, renewals, refusals } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
  expect(renewals).toEqual([3n])
  expect(refusals).toEqual([])
})

it('never sends a refused token a second time', async () => {
  await using server = await startServer(json({}, 401))
  const { api, tokens } = setUp(server.url)
  tokens.renew = tokens.get
  expect(await failure(api)).toMatchObject({ code: 'provider_unauthorized' })
  expect(server.requests).toHaveLength(1)
})

it('passes on what the token source throws, without a request', async () => {
  await using server = await startServer(json(thing))
  const { api, tokens, sleeps } = setUp(server.url)
  tokens.get = () => Promise.reject(new PatchbayError('refresh_failed', 'The token could not be refreshed.'))
  expect(await failure(api)).toMatchObject({ code: 'refresh_failed' })
  expect(server.requests).toHaveLength(0)
  expect(sleeps).toEqual([])
})

it('follows no redirect', async () => {
  await using elsewhere = await startServer(json(thing))
  await using server = await startServer((_request, response) => {
    response.writeHead(302, { location: `${elsewhere.url}/things` }).end()
  })
  const { api } = setUp(server.url)
  expect(await failure(api)).toMatchObject({ code: 'host_not_allowed', context: { host: new URL(elsewhere.url).host } })
  expect(elsewhere.requests).toHaveLength(0)
  expect(server.requests).toHaveLength(1)
})

it('sends no token to a host that is not the provider’s', async () => {
  await using server = await startServer(json(thing))
  const { open } = setUp(server.url)
  const api = open({ ...example, api: { ...example.api, baseUrl: 'https://api.example.test' } })
  expect(await failure(api, '.evil.test/')).toMatchObject({
    code: 'host_not_allowed',
    context: { host: 'api.example.test.evil.test' },
  })
  expect(await failure(api, '@evil.test/')).toMatchObject({ code: 'host_not_allowed', context: { host: 'evil.test' } })
  expect(server.requests).toHaveLength(0)
})

it('follows an absolute URL to the hosts of the definition, and to no other', async () => {
  await using server = await startServer(json(thing))
  const { open } = setUp(server.url)
  const api = open({ ...example, api: { ...example.api, otherHosts: ['files.example.test'] } })
  for (const path of ['api.example.test/v2/things?page=2', 'files.example.test/things']) {
    await api.send({ path: `https://${path}` })
    expect(server.requests.at(-1)?.url).toBe(`/${path}`)
  }
  for (const host of ['evil.test', 'files.example.test.evil.test', 'files.example.test@evil.test', 'files.example.test:8443']) {
    const refused = { code: 'host_not_allowed', context: { host: new URL(`https://${host}`).host } }
    await expect(api.send({ path: `https://${host}/things` }), host).rejects.toMatchObject(refused)
  }
  expect(server.requests).toHaveLength(2)
})

it('posts JSON, with the headers of the provider and of the company', async () => {
  const bodies: unknown[] = []
  await using server = await startServer((request, response) => {
    void readJson(request)
      .then((body) => bodies.push(body))
      .then(() => json(thing)(request, response))
  })
  const definition = {
    ...example,
    api: { ...example.api, headers: { 'x-version': '2026-11-21' } },
    tenant: { list: 'things', header: 'x-company' },
  }
  const { open } = setUp(server.url)
  const request = { method: 'POST', path: '/query', json: { query: '{ me { id } }' } } as const
  expect(await open(definition, 'company-7').send(request)).toMatchObject({ body: thing })
  await open(definition).send(request)
  expect(bodies).toEqual([request.json, request.json])
  const [chosen, none] = server.requests
  expect(chosen).toMatchObject({ method: 'POST', url: '/api.example.test/v1/query' })
  expect(chosen?.headers).toMatchObject({
    authorization: `Bearer ${secret}`,
    'content-type': 'application/json; charset=utf-8',
    'x-version': '2026-11-21',
    'x-company': 'company-7',
  })
  expect(none?.headers).not.toHaveProperty('x-company')
})

it('sends what changes something once, unless it was surely not carried out or may be sent twice', async () => {
  const post = { method: 'POST', path: '/things', json: thing } as const
  const requests: [request: ApiRequest, sent: number, outcome: unknown][] = [
    [post, 1, expect.any(PatchbayError)],
    [{ ...post, method: 'PATCH' }, 1, expect.any(PatchbayError)],
    [{ ...post, repeatable: true }, 2, expect.objectContaining({ body: thing })],
    [{ method: 'DELETE', path: '/things/a' }, 2, expect.objectContaining({ body: thing })],
  ]
  const lost: RequestListener = (_request, response) => void response.destroy()
  for (const answer of [lost, json({}, 502), text('{"id":"a', 'application/json')]) {
    for (const [request, sent, outcome] of requests) {
      await using server = await startServer(answer, json(thing))
      expect(
        await setUp(server.url)
          .api.send(request)
          .catch((error: unknown) => error),
      ).toEqual(outcome)
      expect(server.requests.map(({ method }) => method)).toEqual(Array.from({ length: sent }, () => request.method))
    }
  }
  await using limited = await startServer(json({}, 429), json({}, 401), json(thing))
  await expect(setUp(limited.url).api.send(post)).resolves.toMatchObject({ body: thing })
  expect(limited.requests).toHaveLength(3)
})

it('takes an empty answer only where one was expected', async () => {
  for (const status of [200, 201, 204]) {
    const empty: RequestListener = (_request, response) => void response.writeHead(status, { location: '/things/7' }).end()
    await using server = await startServer(empty)
    const { api } = setUp(server.url)
    const { body, headers } = await api.send({ method: 'POST', path: '/things', json: thing, mayBeEmpty: true })
    expect([body, headers.get('location')]).toEqual([undefined, '/things/7'])
    expect(await failure(api)).toMatchObject({ code: 'provider_answer_invalid', context: { status } })
  }
  await using refusing = await startServer((_request, response) => void response.writeHead(403).end())
  await expect(setUp(refusing.url).api.send({ path: '/things', mayBeEmpty: true })).rejects.toMatchObject({
    code: 'provider_forbidden',
  })
})

it('sends the headers of the request before the definition’s, and no other token', async () => {
  await using server = await startServer(json(thing))
  const { open } = setUp(server.url)
  const definition = { ...example, api: { ...example.api, headers: { 'x-region': 'US', 'x-version': '1' } } }
  const headers = { 'x-region': 'EMEA', 'content-type': 'application/vnd.api+json', authorization: 'Bearer other' }
  await open(definition).send({ method: 'POST', path: '/things', json: thing, headers })
  expect(server.requests[0]?.headers).toMatchObject({
    'x-region': 'EMEA',
    'x-version': '1',
    'content-type': 'application/vnd.api+json',
    authorization: `Bearer ${secret}`,
  })
})

it('reads no more of an answer than the limit, compressed or not', async () => {
  const packed = gzipSync(JSON.stringify({ id: 'a'.repeat(1_000_000) }))
  await using server = await startServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed)
  })
  const { api } = setUp(server.url, { limits: { maxBytes: 100_000 } })
  expect(packed.byteLength).toBeLessThan(100_000)
  expect(await failure(api)).toMatchObject({ code: 'provider_answer_too_large', outcome: 'contract' })
  expect(api.usage).toMatchObject({ requests: 1 })
  expect(api.usage.bytes).toBeLessThan(1_000_000)
})

it('gives up on a server that does not answer, or stops in the middle', async () => {
  await using server = await startServer(
    () => {},
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":')
    },
    json(thing),
  )
  const { api, sleeps } = setUp(server.url, { limits: { timeoutMs: 50 } })
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
  expect(sleeps).toHaveLength(2)
})

it('tries again when the connection fails, and says so without the URL or the token', async () => {
  const server = await startServer(json(thing))
  await server[Symbol.asyncDispose]()
  const { api, sleeps } = setUp(server.url)
  const error = await failure(api)
  expect(error).toMatchObject({ code: 'provider_unreachable', outcome: 'transient', context: { reason: 'ECONNREFUSED' } })
  expect(sleeps).toHaveLength(4)
  expect(leaks(error)).toEqual([])
})

it('tries again when the connection is cut in the middle of an answer', async () => {
  await using server = await startServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"id":"a"')
    setTimeout(() => response.destroy(), 5)
  }, json(thing))
  const { api } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
})

it('tries again when JSON is cut, and then calls the answer invalid', async () => {
  await using server = await startServer(text('{"id":"a', 'application/json'))
  const { api } = setUp(server.url)
  expect(await failure(api)).toMatchObject({ code: 'provider_answer_invalid', outcome: 'contract' })
  expect(server.requests).toHaveLength(5)
})

it('calls a web page with status 200 invalid at once', async () => {
  await using server = await startServer(text('<html>Sign in to the Wi-Fi</html>', 'text/html'))
  const { api } = setUp(server.url)
  expect(await failure(api)).toMatchObject({ code: 'provider_answer_invalid', context: { status: 200 } })
  expect(server.requests).toHaveLength(1)
})

it('takes a load balancer’s web page for a failure that passes', async () => {
  await using server = await startServer(text('<html>502</html>', 'text/html', 502), json(thing))
  const { api } = setUp(server.url)
  await expect(api.get('/things', {}, Thing)).resolves.toEqual(thing)
})

it('names the field that it does not understand, and never its value', async () => {
  await using server = await startServer(json({ list: [{ id: 'a' }, { id: 4711 }] }))
  const { api } = setUp(server.url)
  const error: unknown = await api.get('/things', {}, z.object({ list: z.array(Thing) })).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'provider_answer_invalid', context: { field: 'list.1.id' } })
  expect(inspect(error)).not.toContain('4711')
  expect(server.requests).toHaveLength(1)
})

it('puts no token and no query into an error', async () => {
  for (const status of [302, 400, 401, 403, 404, 429, 500]) {
    await using server = await startServer(json({ message: `${secret} secret-cursor` }, status))
    expect(leaks(await failure(setUp(server.url).api))).toEqual([])
  }
})

/** The secrets of a request that can be found anywhere in an error. */
function leaks(error: PatchbayError): string[] {
  const all = inspect(error, { depth: 10, showHidden: true })
  return ['secret-cursor', 'access-token'].filter((word) => all.includes(word))
}
