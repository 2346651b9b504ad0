import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Sql } from 'postgres'
import { readConfig, type Environment } from '../../src/shared/config.ts'
import { createLogger } from '../../src/shared/log.ts'
import { sealTokens } from '../../src/shared/oauth/sealed-tokens.ts'
import { type SecretId, connectIntegration, reserveIntegration } from '../../src/shared/oauth/secret-store.ts'
import type { TokenSet } from '../../src/shared/oauth/token-request.ts'
import { defineProvider } from '../../src/shared/providers/define.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { addUser } from '../db/rows.ts'

/** A whole installation's variables; nothing listens at the addresses. */
export function completeEnv(): Record<string, string> {
  return {
    SUPABASE_URL: 'https://abcd.supabase.co',
    SUPABASE_DB_URL: 'postgresql://postgres:secret-password@db.abcd.supabase.co:5432/postgres',
    SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_1"}',
    FRONTEND_URL: 'https://app.example',
    CONNECTOR_TOKEN_KEYS: tokenKey('k1'),
    CONNECTOR_WORKER_SECRET: randomBytes(32).toString('hex'),
    // Several workers may run at a time.
    CONNECTOR_PORT: '0',
    TEST_CLIENT_ID: 'test-client',
    TEST_CLIENT_SECRET: 'test-client-secret',
  }
}

/** `<id>:<32 random bytes>`, as in CONNECTOR_TOKEN_KEYS. */
export function tokenKey(id: string): string {
  return `${id}:${randomBytes(32).toString('base64url')}`
}

/** A provider that rotates its refresh tokens, as the strictest do. */
export const testProvider = defineProvider({
  id: 'test-provider',
  name: 'Test Provider',
  docs: 'https://provider.test/docs',
  auth: {
    issuer: 'https://provider.test',
    issuerInResponse: true,
    authorizeUrl: 'https://provider.test/authorize',
    tokenUrl: 'https://provider.test/token',
    scopes: ['read'],
    clientAuth: 'body',
    pkce: true,
    usedRefreshToken: 'grace',
    lifetimeIfUnsaid: 'unlimited',
    env: { clientId: 'TEST_CLIENT_ID', clientSecret: 'TEST_CLIENT_SECRET', redirectUri: 'TEST_REDIRECT_URI' },
    serviceAccount: { env: 'TEST_SERVICE_ACCOUNT' },
  },
  api: { baseUrl: 'https://provider.test', reason: () => undefined, reasons: {} },
  account: { request: { path: '/me' }, read: () => ({ id: 'account-1', label: 'pat@example.com' }) },
  lists: { things: { request: () => ({ path: '/things' }), read: () => ({ items: [], next: null }) } },
  streams: {},
})

export interface TestRuntime extends Runtime {
  /** What was logged, as text. */
  logged: () => string
}

/** A runtime on a real database, whose providers are at `sandboxUrl`. */
export function createRuntime(sql: Sql, env: Environment, changes: Partial<Runtime> = {}): TestRuntime {
  const lines: string[] = []
  return {
    config: readConfig(env),
    sql,
    fetch,
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log: createLogger('debug', (line) => lines.push(line), Date.now),
    logged: () => lines.join('\n'),
    ...changes,
  }
}

/** A request to the token endpoint, and how to answer it. */
export type TokenEndpoint = (
  form: URLSearchParams,
  response: Parameters<RequestListener>[1],
  request: Parameters<RequestListener>[0],
) => unknown

export interface TokenServer extends AsyncDisposable {
  /** For CONNECTOR_SANDBOX_URL. */
  url: string
  /** The forms that have arrived, in order. */
  forms: URLSearchParams[]
}

/** A token endpoint over real HTTP. Its answers are given one after the other; the last one stays. */
export async function startTokenServer(...answers: [TokenEndpoint, ...TokenEndpoint[]]): Promise<TokenServer> {
  const forms: URLSearchParams[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const form = new URLSearchParams(body)
      forms.push(form)
      return answers[Math.min(forms.length, answers.length) - 1]?.(form, response, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    forms,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Answers with JSON. */
export function answer(body: unknown, status = 200, headers: Record<string, string> = {}): TokenEndpoint {
  return (_form, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Answers with the next pair of a rotating provider: `access-2` with `refresh-2`, and so on; anything but the newest is refused. */
export function rotate(): TokenEndpoint {
  let current = 1
  return (form, response, request) => {
    if (form.get('refresh_token') !== `refresh-${current}`)
      return answer({ error: 'invalid_grant' }, 400)(form, response, request)
    current += 1
    return answer(tokenBody(current))(form, response, request)
  }
}

export function tokenBody(number: number): Record<string, unknown> {
  return { access_token: `access-${number}`, refresh_token: `refresh-${number}`, token_type: 'Bearer', expires_in: 3600 }
}

/** `access-<number>` with `refresh-<number>`, which expire `expiresInMs` from now; null: never. */
export function tokenSet(number: number, expiresInMs: number | null = 3600_000): TokenSet {
  const expiresAt = expiresInMs === null ? null : Date.now() + expiresInMs
  return {
    accessToken: `access-${number}`,
    refreshToken: `refresh-${number}`,
    tokenType: 'Bearer',
    scopes: ['read'],
    expiresAt,
    refreshDueAt: expiresAt === null ? null : expiresAt - 15 * 60_000,
  }
}

/** Stores `access-1` with `refresh-1`, which expire `expiresInMs` from now; null: never. Gives the integration's id. */
export async function storeIntegration(
  runtime: Runtime,
  expiresInMs: number | null,
  changes: Partial<TokenSet> = {},
  others: Readonly<Record<string, TokenSet>> = {},
): Promise<string> {
  const userId = await addUser(runtime.sql)
  const id = await reserveIntegration(runtime.sql, {
    userId,
    provider: testProvider.id,
    grantType: 'authorization_code',
    accountId: 'account-1',
    accountLabel: 'pat@example.com',
  })
  await connectTokens(runtime, id, { primary: { ...tokenSet(1, expiresInMs), ...changes }, ...others })
  return id
}

/** The account's owner consents: these tokens, by name, are what the integration has from now on. */
export async function connectTokens(
  runtime: Runtime,
  integrationId: string,
  tokens: { primary: TokenSet; [name: string]: TokenSet },
): Promise<void> {
  const sealed = await Promise.all(
    Object.entries(tokens).map(
      async ([name, token]) => [name, await sealTokens(runtime.config, { integrationId, name }, token)] as const,
    ),
  )
  const origin = { actor: 'user', source: 'oauth-callback' } as const
  await connectIntegration(runtime.sql, integrationId, {
    grantType: 'authorization_code',
    scopes: tokens.primary.scopes ?? [],
    tokens: Object.fromEntries(sealed),
    origin,
  })
}

/** The secret that API requests are sent with. */
export function primary(integrationId: string): SecretId {
  return { integrationId, name: 'primary' }
}

/** What the audit log says of an integration, oldest first. */
export async function eventsOf(sql: Sql, integrationId: string): Promise<string[]> {
  const rows = await sql<{ event: string }[]>`
    select event from public.audit_log where integration_id = ${integrationId}::uuid order by created_at`
  return rows.map((row) => row.event)
}

/** Fails when a text holds something that must never leave the process. */
export function secretsIn(shown: string): string[] {
  return shown.match(/(?:access|refresh)-\d+|ya29\.[\w.-]+|1\/\/[\w-]+|4\/0A[\w-]+|sandbox-secret|test-client-secret/g) ?? []
}
