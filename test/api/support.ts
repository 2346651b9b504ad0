import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Sql } from 'postgres'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { handleIntegrations } from '../../src/shared/api/integrations.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { answerRequest, type Endpoint } from '../../src/shared/endpoint.ts'
import { drain } from '../../src/shared/jobs/drain.ts'
import { createJobQueue } from '../../src/shared/jobs/queue.ts'
import { handleAuthorize } from '../../src/shared/oauth/authorize.ts'
import { handleCallback } from '../../src/shared/oauth/callback.ts'
import { handleStart } from '../../src/shared/oauth/start.ts'
import { handleWebhook } from '../../src/shared/webhooks/receive.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { addUser } from '../db/rows.ts'
import { completeEnv, createRuntime, type TestRuntime } from '../oauth/support.ts'
import { createTestDatabase } from '../support/database.ts'

/** The functions of the connection API over HTTP, with a database, an Auth server's keys and a sandbox of their own. */
export interface TestApi extends AsyncDisposable {
  /** Without a trailing slash; functions are at `/functions/v1/<name>`. */
  url: string
  sql: Sql
  runtime: TestRuntime
  sandbox: SandboxClient
  /** The answers given so far: status, headers and body. */
  answers: string[]
  signUp: () => Promise<TestUser>
  /** A JWT of the project's Auth server, or one that differs as said. */
  signJwt: (claims?: JWTPayload, options?: { key?: Parameters<SignJWT['sign']>[0]; expires?: string }) => Promise<string>
  /** Sends a request to a function. A body is sent as JSON. */
  call: (path: string, options?: CallOptions) => Promise<Answer>
  /** Connects an account by the client-driven form. Gives the integration's id. */
  connect: (user: TestUser, provider: string, options?: ConnectOptions) => Promise<string>
  /** Works off all jobs that are due. */
  runJobs: () => Promise<void>
}

export interface TestUser {
  id: string
  jwt: string
}

export interface CallOptions {
  method?: string
  user?: TestUser
  body?: unknown
  headers?: Record<string, string>
}

export interface ConnectOptions extends ConsentChoice {
  integrationId?: string
}

// oxlint-disable-next-line typescript/no-explicit-any -- the tests say what is in it
export type Answer = { status: number; headers: Headers; body: any }

export const app = 'http://localhost:3000'

const functions: Record<string, Endpoint> = {
  'oauth-authorize': { auth: 'user', handle: handleAuthorize },
  'oauth-start': { auth: 'none', handle: handleStart },
  'oauth-callback': { auth: 'none', handle: handleCallback },
  integrations: { auth: 'none', handle: handleIntegrations },
  webhooks: { auth: 'none', countsItself: true, handle: handleWebhook },
}

/** `root`: a folder whose tree becomes the files of the default account. */
export async function startTestApi({ root, ...changes }: Partial<TestRuntime> & { root?: string } = {}): Promise<TestApi> {
  await using started = new AsyncDisposableStack()
  const sandbox = started.use(await startSandbox(root === undefined ? {} : { root }))
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 4)
  started.defer(() => sql.end())

  // Its own, because supabase-js shares published keys among all Auth servers of one host name.
  const kid = randomUUID()
  const keys = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(keys.publicKey)), kid, alg: 'ES256', use: 'sig' }
  const server = createAdaptorServer({ fetch: (request) => answer(request) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  started.defer(async () => {
    server.close()
    if ('closeAllConnections' in server) server.closeAllConnections()
    await once(server, 'close')
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const runtime = createRuntime(sql, environment(url, sandbox.url, database.url), changes)

  async function answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    if (pathname === '/auth/v1/.well-known/jwks.json') return Response.json({ keys: [jwk] })
    const [, name = ''] = /^\/functions\/v1\/([\w-]+)/.exec(pathname) ?? []
    const endpoint = functions[name]
    if (!endpoint) return Response.json({ code: 403, error_code: 'bad_jwt', msg: 'invalid JWT' }, { status: 403 })
    const inner = new Request(`${url}${pathname.slice('/functions/v1'.length)}${search}`, {
      method: request.method,
      headers: request.headers,
      ...(request.body && { body: request.body, duplex: 'half' }),
    })
    return answerRequest(endpoint, inner, { openRuntime: () => runtime, log: runtime.log, inBackground: () => {} })
  }

  const answers: string[] = []
  const call = async (path: string, { method, user, body, headers = {} }: CallOptions = {}): Promise<Answer> => {
    const response = await fetch(`${url}/functions/v1/${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      redirect: 'manual',
      headers: { ...(user && { authorization: `Bearer ${user.jwt}` }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push([response.status, ...[...response.headers].map((header) => header.join(': ')), text].join('\n'))
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  const signJwt: TestApi['signJwt'] = (claims = {}, { key = keys.privateKey, expires = '1 hour' } = {}) =>
    new SignJWT({ role: 'authenticated', sub: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .setExpirationTime(expires)
      .sign(key)

  const running = started.move()
  return {
    url,
    sql,
    runtime,
    sandbox: sandboxClient(sandbox.url),
    answers,
    signJwt,
    call,
    signUp: async () => {
      const id = await addUser(sql)
      return { id, jwt: await signJwt({ sub: id }) }
    },
    connect: async (user, provider, { integrationId, ...choice } = {}) => {
      const body = { provider, flow: 'client', redirect_uri: app, ...(integrationId && { integration_id: integrationId }) }
      const begun = await call('oauth-authorize', { user, body })
      if (begun.status !== 200) throw new Error(`oauth-authorize: ${JSON.stringify(begun.body)}`)
      const { searchParams } = new URL(await approveConsent(begun.body.auth_url, choice))
      const ended = await call('oauth-callback', {
        user,
        body: { code: searchParams.get('code'), state: searchParams.get('state') },
      })
      if (ended.status !== 200) throw new Error(`oauth-callback: ${JSON.stringify(ended.body)}`)
      return ended.body.integration_id
    },
    runJobs: async () => {
      const queue = createJobQueue(database.url)
      const budget = { deadline: Date.now() + 60_000, pages: 100 }
      await drain(runtime, { queue, concurrency: 4, budget: () => budget, stop: () => false, idle: async () => false })
      await queue.close()
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function environment(url: string, sandboxUrl: string, databaseUrl: string): Record<string, string> {
  const apps = providers.flatMap(({ auth: { env } }) => [
    [env.clientId, 'sandbox-client'],
    [env.clientSecret, 'sandbox-secret'],
  ])
  return {
    ...completeEnv(),
    ...Object.fromEntries(apps),
    FRONTEND_URL: app,
    SUPABASE_URL: url,
    SUPABASE_DB_URL: databaseUrl,
    CONNECTOR_SANDBOX_URL: sandboxUrl,
  }
}
