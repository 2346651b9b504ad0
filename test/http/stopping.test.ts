import { expect, it } from 'vitest'
import { z } from 'zod'
import { PatchbayError } from '../../src/shared/errors.ts'
import { createProviderApi, requestLimits } from '../../src/shared/http/provider-api.ts'
import { createLogger } from '../../src/shared/log.ts'
import type { AnswerClass } from '../../src/shared/metrics.ts'
import { testProvider } from '../oauth/support.ts'
import { until } from '../support/until.ts'
import { json, startServer, type TestServer } from './test-server.ts'

const Anything = z.unknown()
const token = { accessToken: 'token', tokenType: 'Bearer', version: 1n }

/** An API whose process may be told to stop; a sleep never ends. */
function setUp(server: TestServer, get: () => Promise<typeof token> = async () => token, timeoutMs = 60_000) {
  const stop = new AbortController()
  const answers: AnswerClass[] = []
  const api = createProviderApi({
    definition: testProvider,
    tokens: { get, renew: async () => token, refused: async () => {} },
    limits: { ...requestLimits, timeoutMs },
    runtime: {
      config: { sandboxUrl: server.url, optional: () => undefined },
      fetch,
      now: Date.now,
      sleep: () => new Promise<void>(() => {}),
      log: createLogger('error', () => {}, Date.now),
      stopping: stop.signal,
      metrics: {
        requestSent: ({ answer }) => answers.push(answer),
        tokenRefreshed: () => {},
        pageMerged: () => {},
        runEnded: () => {},
        jobEnded: () => {},
      },
    },
  })
  return {
    answers,
    get: () => api.get('/things', {}, Anything),
    handBack: () => stop.abort(new PatchbayError('worker_stopping', 'The worker was told to stop.')),
  }
}

const handedBack = expect.objectContaining({ code: 'worker_stopping', outcome: 'transient' }) as unknown

it('gives up a request that is under way, and sends it no second time', async () => {
  await using server = await startServer(() => {})
  const { get, handBack, answers } = setUp(server)
  const asked = get()
  await until(async () => server.requests.length === 1)
  handBack()
  await expect(asked).rejects.toEqual(handedBack)
  await expect(get()).rejects.toEqual(handedBack)
  expect(server.requests).toHaveLength(1)
  expect(answers).toEqual([])
})

it('gives up an answer of which half has come', async () => {
  await using server = await startServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"things": ')
  })
  const { get, handBack } = setUp(server)
  const asked = get()
  await until(async () => server.requests.length === 1)
  handBack()
  await expect(asked).rejects.toEqual(handedBack)
})

it('gives up the pause before a request is sent again', async () => {
  await using server = await startServer(json({}, 503))
  const { get, handBack, answers } = setUp(server)
  const asked = get()
  await until(async () => answers.length === 1)
  handBack()
  await expect(asked).rejects.toEqual(handedBack)
  expect(answers).toEqual(['5xx'])
})

it('waits no longer for a token, and leaves its refresh to itself', async () => {
  await using server = await startServer(json({}))
  const tokens = Promise.withResolvers<typeof token>()
  const { get, handBack } = setUp(server, () => tokens.promise)
  const asked = get()
  handBack()
  await expect(asked).rejects.toEqual(handedBack)
  tokens.reject(new Error('This refresh failed later.'))
  expect(server.requests).toHaveLength(0)
})

it('still gives up by itself what takes too long', async () => {
  await using server = await startServer(() => {})
  const { get, answers } = setUp(server, undefined, 50)
  // The pause before it is sent again never ends.
  void get()
  await until(async () => answers.length === 1)
  expect(answers).toEqual(['none'])
})

it('counts each kind of answer, and what it is to be told to slow down apart', async () => {
  await using server = await startServer(json({}, 404), json({}), json({}, 429))
  const { get, answers } = setUp(server)
  await expect(get()).rejects.toMatchObject({ code: 'provider_not_found' })
  await get()
  void get()
  await until(async () => answers.length === 3)
  expect(answers).toEqual(['4xx', '2xx', '429'])
})
