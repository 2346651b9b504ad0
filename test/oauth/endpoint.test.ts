import { describe, expect, it } from 'vitest'
import { answerRequest, type Endpoint } from '../../src/shared/endpoint.ts'
import { PatchbayError } from '../../src/shared/errors.ts'
import { createLogger } from '../../src/shared/log.ts'
import { jsonResponse } from '../../src/shared/responses.ts'
import type { Sql } from 'postgres'
import { connect } from '../../src/shared/db/connection.ts'
import { completeEnv, createRuntime } from './support.ts'

const env = completeEnv()

describe('an endpoint', () => {
  it('answers what nobody foresaw with a code, and tells the place but no data, in the log only', async () => {
    const { response, logged } = await ask({
      auth: 'none',
      handle: () => Promise.reject(new TypeError('Cannot read token access-1 of row')),
    })
    expect(response.status).toBe(500)
    const body = await response.text()
    expect(JSON.parse(body)).toEqual({ error: { code: 'internal_error', message: expect.any(String), hint: expect.any(String) } })
    expect(body + logged).not.toContain('access-1')
    expect(JSON.parse(logged)).toMatchObject({
      level: 'error',
      cause: 'TypeError',
      at: expect.stringContaining('endpoint.test.ts'),
    })
  })

  it('answers a known error with its status, sentence and hint, and how long to wait', async () => {
    const error = new PatchbayError('provider_rate_limited', 'Slow down.', { hint: 'Wait.', retryAfterMs: 1_200 })
    const { response } = await ask({ auth: 'none', handle: () => Promise.reject(error) })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await response.json()).toEqual({ error: { code: 'provider_rate_limited', message: 'Slow down.', hint: 'Wait.' } })
  })

  it('tells a database that is away from a mistake', async () => {
    const sql = connect('postgresql://postgres@127.0.0.1:1/postgres', 1)
    const { response } = await ask({ auth: 'none', handle: async () => jsonResponse(await sql`select 1`) })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'database_unavailable' } })
  })

  it('keeps to itself which variables are missing, and says so in the log', async () => {
    const lines: string[] = []
    const host = {
      openRuntime: () => {
        throw new PatchbayError('config_invalid', 'CONNECTOR_TOKEN_KEYS is missing.')
      },
      inBackground: () => {},
      log: createLogger('info', (line) => lines.push(line), Date.now),
    }
    const response = await answerRequest(
      { auth: 'none', handle: async () => jsonResponse({}) },
      new Request('https://x.example/'),
      host,
    )
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('CONNECTOR_TOKEN_KEYS')
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(lines.join()).toContain('CONNECTOR_TOKEN_KEYS is missing.')
  })

  it("is open to browsers of any origin, except for the scheduler's", async () => {
    const open: Endpoint = { auth: 'none', handle: async () => jsonResponse({ ok: true }) }
    const preflight = await ask(open, { method: 'OPTIONS' })
    expect(preflight.response.status).toBe(204)
    expect(preflight.response.headers.get('access-control-allow-headers')).toContain('authorization')
    expect((await ask(open)).response.headers.get('access-control-allow-origin')).toBe('*')

    const secret = { authorization: `Bearer ${env['CONNECTOR_WORKER_SECRET']}` }
    const answered = await ask({ ...open, auth: 'secret' }, { headers: secret })
    expect(answered.response.status).toBe(200)
    expect(answered.response.headers.has('access-control-allow-origin')).toBe(false)
  })

  it.each([
    '',
    'Bearer ',
    'Bearer wrong',
    `Basic ${env['CONNECTOR_WORKER_SECRET']}`,
    `Bearer ${env['CONNECTOR_WORKER_SECRET']}x`,
  ])('of the scheduler refuses %j', async (authorization) => {
    let handled = false
    const handle = async () => {
      handled = true
      return jsonResponse({})
    }
    const { response } = await ask({ auth: 'secret', handle }, { headers: authorization === '' ? {} : { authorization } })
    expect(response.status).toBe(401)
    expect(handled).toBe(false)
  })

  it('of a user refuses somebody who is not signed in, before its handler runs', async () => {
    let handled = false
    const handle = async () => {
      handled = true
      return jsonResponse({})
    }
    const { response } = await ask({ auth: 'user', handle })
    expect(response.status).toBe(401)
    expect(handled).toBe(false)
  })
})

async function ask(endpoint: Endpoint, init: RequestInit = {}): Promise<{ response: Response; logged: string }> {
  const runtime = createRuntime(undefined as unknown as Sql, env)
  const host = { openRuntime: () => runtime, log: runtime.log, inBackground: () => {} }
  const response = await answerRequest(endpoint, new Request('https://x.example/', init), host)
  return { response, logged: runtime.logged() }
}
