import { fork } from 'node:child_process'
import { once } from 'node:events'
import { inspect } from 'node:util'
import { exportPKCS8, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { sealTokens } from '../../src/shared/oauth/sealed-tokens.ts'
import { beginRefresh, finishRefresh, readSecret } from '../../src/shared/oauth/secret-store.ts'
import { refreshAhead, settleRefreshes, tokenSource } from '../../src/shared/oauth/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import type { StampedeOrder, StampedeReport } from './stampede-process.ts'
import {
  answer,
  completeEnv,
  connectTokens,
  createRuntime,
  eventsOf,
  primary,
  rotate,
  secretsIn,
  startTokenServer,
  storeIntegration,
  testProvider,
  tokenBody,
  tokenSet,
  type TestRuntime,
  type TokenEndpoint,
} from './support.ts'

let db: TestDatabase
let sql: ReturnType<typeof connect>
const env = completeEnv()

beforeAll(async () => {
  db = await createTestDatabase()
  sql = connect(db.url, 3)
})
afterAll(async () => {
  await sql.end()
  await db[Symbol.asyncDispose]()
})

function runtimeAt(url: string, changes: Partial<TestRuntime> = {}): TestRuntime {
  return createRuntime(sql, { ...env, CONNECTOR_SANDBOX_URL: url }, changes)
}

const expired = -1_000
const source = (runtime: TestRuntime, id: string) => tokenSource(runtime, testProvider, id)
const silent: TokenEndpoint = () => {}

describe('promise 1: exactly one refresh', () => {
  it('200 callers in each of 4 processes meet one expired token while the token endpoint takes 15 s: one token request is sent, all callers are served', async () => {
    const endpoint = rotate()
    await using server = await startTokenServer((...request) => setTimeout(() => endpoint(...request), 15_000))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    const order = { env: { ...env, CONNECTOR_SANDBOX_URL: server.url }, databaseUrl: db.url, integrationId, callers: 200 }

    const reports = await stampede(4, order)

    expect(server.forms.map((form) => form.get('refresh_token'))).toEqual(['refresh-1'])
    expect(reports.map((report) => report.served)).toEqual(Array.from({ length: 4 }, () => ({ 'access-2 version 2': 200 })))
    expect(Math.min(...reports.map((report) => report.ms))).toBeGreaterThan(14_000)
    expect(Math.max(...reports.map((report) => report.ms))).toBeLessThan(20_000)
  }, 60_000)

  it('holds no transaction and no lock while the provider is asked', async () => {
    const seen: unknown[] = []
    await using server = await startTokenServer(async (...request) => {
      const watch = connect(db.urlFor('supabase_admin'), 1)
      // Another caller, who waits.
      const waiting = source(runtimeAt(server.url), integrationId).get()
      for (let index = 0; index < 10; index += 1) {
        seen.push(
          ...(await watch`
          select query from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`),
        )
        seen.push(
          ...(await watch`select locktype from pg_locks where locktype = 'advisory' and database = (
          select oid from pg_database where datname = current_database())`),
        )
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await watch.end()
      answer(tokenBody(2))(...request)
      await waiting
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2' })
    expect(seen).toEqual([])
    expect(server.forms).toHaveLength(1)
  })

  it('lets another take over when the one who refreshes has died, once its lease has run out', async () => {
    await using server = await startTokenServer(rotate())
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    const dead = { owner: crypto.randomUUID(), version: 1n, leaseMs: 1_500 }
    expect(await beginRefresh(sql, primary(integrationId), dead)).toMatchObject({ outcome: 'granted' })

    const startedAt = performance.now()
    const tokens = await Promise.all([source(runtime, integrationId).get(), source(runtimeAt(server.url), integrationId).get()])
    expect(performance.now() - startedAt).toBeGreaterThan(1_300)
    expect(tokens).toMatchObject([{ accessToken: 'access-2' }, { accessToken: 'access-2' }])
    expect(server.forms).toHaveLength(1)
  })

  it('refreshes nothing that is fresh, and what has less than a minute left', async () => {
    await using server = await startTokenServer(rotate())
    const runtime = runtimeAt(server.url)
    const fresh = await storeIntegration(runtime, 90_000)
    expect(await source(runtime, fresh).get()).toMatchObject({ accessToken: 'access-1', tokenType: 'Bearer', version: 1n })
    expect(server.forms).toHaveLength(0)
    const old = await storeIntegration(runtime, 45_000)
    expect(await source(runtime, old).get()).toMatchObject({ accessToken: 'access-2' })
  })

  it('reads the database once for a token that stays fresh', async () => {
    const runtime = runtimeAt('http://127.0.0.1:1')
    const integrationId = await storeIntegration(runtime, 3600_000)
    const tokens = source(runtime, integrationId)
    await tokens.get()
    await sql`delete from patchbay.secrets where integration_id = ${integrationId}::uuid`
    expect(await tokens.get()).toMatchObject({ accessToken: 'access-1' })
  })
})

describe('while the old access token is still valid', () => {
  it.each<[string, TokenEndpoint]>([
    ['a server error', answer({}, 500)],
    ['a web page', (_form, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>')],
    ['too many requests', answer({}, 429)],
    ['invalid_grant', answer({ error: 'invalid_grant' }, 400)],
    ['invalid_client', answer({ error: 'invalid_client' }, 401)],
    ['a broken connection', (_form, response) => response.destroy()],
  ])('a refresh that fails with %s fails nobody', async (_what, endpoint) => {
    await using server = await startTokenServer(endpoint)
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 30_000)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => source(runtime, integrationId).get()))
    expect(new Set(tokens.map((token) => token.accessToken))).toEqual(new Set(['access-1']))
    // Nor those who come later.
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-1' })
  })

  it('a token endpoint that does not answer keeps nobody waiting', async () => {
    await using server = await startTokenServer(silent)
    const runtime = runtimeAt(server.url, { fetch: withTimeout(12_000) })
    const integrationId = await storeIntegration(runtime, 8_000)
    const startedAt = performance.now()
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-1' })
    expect(performance.now() - startedAt).toBeLessThan(6_000)
  })

  it('a job that refreshes ahead and fails says so, and callers are served', async () => {
    await using server = await startTokenServer(answer({}, 503))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 10 * 60_000)
    await expect(refreshAhead(runtime, testProvider, integrationId)).rejects.toMatchObject({
      code: 'refresh_failed',
      outcome: 'transient',
    })
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-1' })
  })
})

describe('invalid_grant', () => {
  it('asks the owner to connect again, and stops what depends on it', async () => {
    await using server = await startTokenServer(answer({ error: 'invalid_grant' }, 400))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({
      code: 'needs_reauth',
      context: { integrationId, reason: 'invalid_grant' },
    })
    expect(await statusOf(integrationId)).toEqual({
      status: 'needs_reauth',
      status_reason: 'Test Provider no longer accepts this connection. Connect the account again.',
    })
    // The provider is not asked again.
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(server.forms).toHaveLength(1)
  })

  it('says nothing when the account was connected again meanwhile: the new token counts', async () => {
    await using server = await startTokenServer(async (...request) => {
      await reconnect(runtime, integrationId, 50)
      answer({ error: 'invalid_grant' }, 400)(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-50', version: 2n })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
  })

  it('does not stop endpoints for a token of which somebody got a newer one', async () => {
    await using server = await startTokenServer(async (...request) => {
      const sealed = await sealTokens(runtime.config, primary(integrationId), tokenSet(60))
      expect(await finishRefresh(sql, primary(integrationId), 1n, sealed)).toBe(true)
      answer({ error: 'invalid_grant' }, 400)(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-60', version: 2n })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
  })

  it("is not about the user when it is about the operator's service account", async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    await using server = await startTokenServer(answer({ error: 'invalid_grant' }, 400))
    const runtime = withServiceAccount(server.url, await exportPKCS8(privateKey))
    const integrationId = await storeIntegration(runtime, expired)
    await sql`update public.integrations set grant_type = 'service_account' where id = ${integrationId}::uuid`
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'client_rejected' })
    expect(await statusOf(integrationId)).toMatchObject({ status: 'connected' })
  })
})

describe('a token request without an answer', () => {
  it('is repeated once with the same token, which providers that allow for it answer', async () => {
    await using server = await startTokenServer((_form, response) => response.destroy(), answer(tokenBody(2)))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2' })
    expect(server.forms.map((form) => form.get('refresh_token'))).toEqual(['refresh-1', 'refresh-1'])
  })

  it.each([
    ['valid', 'no longer accepts this connection.'],
    ['grace', 'takes each refresh token once, and its answer to the last one was lost.'],
    ['dead', 'takes each refresh token once, and its answer to the last one was lost.'],
  ] as const)(
    'loses the connection only when the provider refuses the repetition; where a used token is %s the owner reads that it %s',
    async (usedRefreshToken, why) => {
      await using server = await startTokenServer(
        (_form, response) => response.destroy(),
        answer({ error: 'invalid_grant' }, 400),
      )
      const runtime = runtimeAt(server.url)
      const integrationId = await storeIntegration(runtime, expired)
      const definition = { ...testProvider, auth: { ...testProvider.auth, usedRefreshToken } }
      await expect(tokenSource(runtime, definition, integrationId).get()).rejects.toMatchObject({ code: 'needs_reauth' })
      expect(await statusOf(integrationId)).toEqual({
        status: 'needs_reauth',
        status_reason: `Test Provider ${why} Connect the account again.`,
      })
    },
  )

  it('is repeated once, not more, when time runs out', async () => {
    await using server = await startTokenServer(silent)
    const runtime = runtimeAt(server.url, { fetch: withTimeout(200) })
    const integrationId = await storeIntegration(runtime, expired)
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'refresh_failed', outcome: 'transient' })
    expect(server.forms).toHaveLength(2)
    expect(await statusOf(integrationId)).toMatchObject({ status: 'error' })
  })

  it('is not repeated when another has taken over meanwhile', async () => {
    await using server = await startTokenServer(async (_form, response) => {
      await takeLease(integrationId)
      setTimeout(() => void reconnect(runtime, integrationId, 70), 300)
      response.destroy()
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-70' })
    expect(server.forms).toHaveLength(1)
  })
})

describe('a failed refresh', () => {
  it.each<[string, TokenEndpoint, string]>([
    ['500', answer({}, 500), 'provider_unavailable'],
    ['429', answer({}, 429, { 'retry-after': '7' }), 'provider_rate_limited'],
    ['HTML', (_form, response) => response.end('<h1>'), 'provider_answer_invalid'],
    ['an error nobody knows', answer({ error: 'something_new' }, 400), 'provider_rejected'],
  ])(
    'with %s is transient, tells the owner now that the token has expired, and gives the lease back',
    async (_what, endpoint, code) => {
      await using server = await startTokenServer(endpoint)
      const runtime = runtimeAt(server.url)
      const integrationId = await storeIntegration(runtime, expired)
      await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'refresh_failed', outcome: 'transient' })
      expect(await statusOf(integrationId)).toEqual({
        status: 'error',
        status_reason: expect.stringMatching(
          /^Test Provider .+\. Patchbay goes on trying; connect the account again if this lasts\.$/,
        ),
      })
      const [row] = await sql`
      select lease_owner, last_error_code, version from patchbay.secrets where integration_id = ${integrationId}::uuid`
      expect(row).toEqual({ lease_owner: null, last_error_code: code, version: 1n })
    },
  )

  it('is tried again by the next caller', async () => {
    const endpoint = rotate()
    await using server = await startTokenServer(answer({}, 500), endpoint)
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'refresh_failed' })
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2' })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
    expect(await eventsOf(sql, integrationId)).toEqual(['connected', 'error', 'recovered'])
  })

  it("is the operator's to mend when the app is refused, and no user is asked to connect again", async () => {
    await using server = await startTokenServer(answer({ error: 'invalid_client' }, 401))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'client_rejected', outcome: 'config' })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
    expect(await eventsOf(sql, integrationId)).toEqual(['connected'])
  })

  it('asks the owner when there is no refresh token to ask with', async () => {
    const runtime = runtimeAt('http://127.0.0.1:1')
    const integrationId = await storeIntegration(runtime, expired, { refreshToken: null })
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(await statusOf(integrationId)).toMatchObject({ status: 'needs_reauth' })
  })

  it.each([['needs_reauth'], ['disconnected']])('is not even begun for an integration that is %s', async (status) => {
    await using server = await startTokenServer(rotate())
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    await sql`update public.integrations set status = ${status} where id = ${integrationId}::uuid`
    const code = status === 'needs_reauth' ? 'needs_reauth' : 'not_connected'
    await expect(source(runtime, integrationId).get()).rejects.toMatchObject({ code })
    await expect(source(runtime, integrationId).renew(1n, 'It was refused.')).rejects.toMatchObject({ code })
    await refreshAhead(runtime, testProvider, integrationId).catch(() => {})
    expect(server.forms).toHaveLength(0)
  })

  it('reports an integration that never had a token', async () => {
    const runtime = runtimeAt('http://127.0.0.1:1')
    await expect(source(runtime, crypto.randomUUID()).get()).rejects.toMatchObject({ code: 'not_connected' })
    await expect(source(runtime, crypto.randomUUID()).renew(1n, 'It was refused.')).rejects.toMatchObject({
      code: 'not_connected',
    })
  })
})

describe('a new pair of tokens', () => {
  it('is stored before anyone uses it, also after the database was away', async () => {
    await using server = await startTokenServer(async (...request) => {
      await sql`alter function patchbay.finish_refresh rename to finish_refresh_is_away`
      setTimeout(() => void sql`alter function patchbay.finish_refresh_is_away rename to finish_refresh`.execute(), 600)
      answer(tokenBody(2))(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2', version: 2n })
    expect(await readSecret(sql, primary(integrationId))).toMatchObject({ version: 2n })
    expect(server.forms).toHaveLength(1)
  })

  it('is stored although the lease ran out meanwhile: with rotation it is the only good one', async () => {
    await using server = await startTokenServer(async (...request) => {
      await takeLease(integrationId)
      answer(tokenBody(2))(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2', version: 2n })
  })

  it('mends an integration that another was refused for in the meantime', async () => {
    await using server = await startTokenServer(async (...request) => {
      await sql`select patchbay.mark_needs_reauth(${integrationId}::uuid, 'primary', 1, 'refused')`
      answer(tokenBody(2))(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2' })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
  })

  it('gives way to what was written since it was asked for', async () => {
    await using server = await startTokenServer(async (...request) => {
      await reconnect(runtime, integrationId, 80)
      answer(tokenBody(2))(...request)
    })
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-80', version: 2n })
  })

  it('keeps the refresh token when the provider sends none', async () => {
    const { refresh_token: _refreshToken, ...body } = tokenBody(2)
    await using server = await startTokenServer(answer(body))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    const first = await source(runtime, integrationId).get()
    await source(runtime, integrationId).renew(first.version, 'It was refused.')
    expect(server.forms.map((form) => form.get('refresh_token'))).toEqual(['refresh-1', 'refresh-1'])
  })

  it('appears in the metadata that clients read, and there is no token in any table or log', async () => {
    await using server = await startTokenServer(rotate(), answer({ error: 'invalid_grant' }, 400))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired)
    const token = await source(runtime, integrationId).get()
    await source(runtime, integrationId)
      .renew(token.version, 'It was refused.')
      .catch((error: unknown) => runtime.log.error(inspect(error, { depth: 10 })))

    const admin = connect(db.urlFor('supabase_admin'), 1)
    const tables = await admin<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'patchbay', 'pgboss')`
    for (const { name } of tables) {
      const [dump] = await admin<
        { text: string | null }[]
      >`select string_agg(to_jsonb(t)::text, ' ') as text from ${admin.unsafe(name)} t`
      expect(secretsIn(dump?.text ?? ''), name).toEqual([])
    }
    await admin.end()
    expect(runtime.logged()).toContain('needs_reauth')
    expect(secretsIn(runtime.logged())).toEqual([])
  })
})

describe('several tokens of one integration', () => {
  const user = (runtime: TestRuntime, id: string) => tokenSource(runtime, testProvider, id, 'user')

  it('are refreshed each for itself', async () => {
    await using server = await startTokenServer(answer(tokenBody(11)), answer(tokenBody(21)))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired, {}, { user: tokenSet(2, 3600_000) })
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-11', version: 2n })
    expect(await user(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2', version: 1n })
    expect(await user(runtime, integrationId).renew(1n, 'It was refused.')).toMatchObject({
      accessToken: 'access-21',
      version: 2n,
    })
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-11', version: 2n })
    expect(server.forms.map((form) => form.get('refresh_token'))).toEqual(['refresh-1', 'refresh-2'])
  })

  it('leave the integration connected when one that is not the primary one is dead', async () => {
    await using server = await startTokenServer(answer({ error: 'invalid_grant' }, 400), answer(tokenBody(11)))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, expired, {}, { user: tokenSet(2, expired) })
    await expect(user(runtime, integrationId).get()).rejects.toMatchObject({ code: 'needs_reauth' })
    await expect(user(runtime, integrationId).get()).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(await statusOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-11' })
    expect(server.forms.map((form) => form.get('refresh_token'))).toEqual(['refresh-2', 'refresh-1'])
  })

  it('are all tried ahead of their expiry, also when one fails', async () => {
    const [failing, serving] = [answer({}, 503), answer(tokenBody(21))]
    await using server = await startTokenServer((form, ...rest) =>
      (form.get('refresh_token') === 'refresh-1' ? failing : serving)(form, ...rest),
    )
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 60_000, {}, { user: tokenSet(2, 60_000), other: tokenSet(3) })
    await expect(refreshAhead(runtime, testProvider, integrationId)).rejects.toMatchObject({ code: 'refresh_failed' })
    expect(server.forms).toHaveLength(2)
    expect(new Set(server.forms.map((form) => form.get('refresh_token')))).toEqual(new Set(['refresh-1', 'refresh-2']))
    expect(await user(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-21' })
  })

  it('are those of the last consent, and no others', async () => {
    const runtime = runtimeAt('http://127.0.0.1:1')
    const integrationId = await storeIntegration(runtime, 3600_000, {}, { user: tokenSet(2) })
    await reconnect(runtime, integrationId, 3)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-3', version: 2n })
    await expect(user(runtime, integrationId).get()).rejects.toMatchObject({ code: 'not_connected' })
  })
})

describe('renew', () => {
  it('replaces a token that the provider refused although it had not expired', async () => {
    await using server = await startTokenServer(rotate())
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, null)
    const tokens = source(runtime, integrationId)
    const refused = await tokens.get()
    expect(refused).toMatchObject({ accessToken: 'access-1' })
    expect(await tokens.renew(refused.version, 'It was refused.')).toMatchObject({ accessToken: 'access-2', version: 2n })
    expect(await tokens.get()).toMatchObject({ accessToken: 'access-2' })
  })

  it('asks nobody when there is a newer one already', async () => {
    await using server = await startTokenServer(rotate())
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 3600_000)
    const [one, other] = [source(runtime, integrationId), source(runtimeAt(server.url), integrationId)]
    const [first] = await Promise.all([one.get(), other.get()])
    expect(
      await Promise.all([one.renew(first.version, 'It was refused.'), other.renew(first.version, 'It was refused.')]),
    ).toMatchObject([{ accessToken: 'access-2' }, { accessToken: 'access-2' }])
    expect(server.forms).toHaveLength(1)
  })

  it('goes on from a newer one that has expired as well', async () => {
    await using server = await startTokenServer(answer(tokenBody(3)))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 3600_000)
    const old = await sealTokens(runtime.config, primary(integrationId), tokenSet(2, expired))
    await finishRefresh(sql, primary(integrationId), 1n, old)
    expect(await source(runtime, integrationId).renew(1n, 'It was refused.')).toMatchObject({
      accessToken: 'access-3',
      version: 3n,
    })
  })

  it('does not give back the token that was refused', async () => {
    await using server = await startTokenServer(answer({}, 500))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 3600_000)
    await expect(source(runtime, integrationId).renew(1n, 'It was refused.')).rejects.toMatchObject({ code: 'refresh_failed' })
  })
})

describe('refreshAhead', () => {
  it('refreshes what is due, before anyone has to wait, and nothing else', async () => {
    await using server = await startTokenServer(answer({ ...tokenBody(2), expires_in: 7200 }))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 14 * 60_000)
    await refreshAhead(runtime, testProvider, integrationId)
    await refreshAhead(runtime, testProvider, integrationId)
    expect(server.forms).toHaveLength(1)
    const [row] = await sql<{ minutes: number }[]>`
      select round(extract(epoch from expires_at - refresh_due_at) / 60)::int as minutes
      from patchbay.secrets where integration_id = ${integrationId}::uuid`
    expect(row).toEqual({ minutes: 15 })
  })

  it('gets a new token for a service account by a new assertion', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    await using server = await startTokenServer(answer({ access_token: 'access-2', token_type: 'Bearer', expires_in: 3599 }))
    const runtime = withServiceAccount(server.url, await exportPKCS8(privateKey))
    const integrationId = await storeIntegration(runtime, 60_000, { refreshToken: null })
    await sql`update public.integrations set grant_type = 'service_account' where id = ${integrationId}::uuid`
    await sql`update patchbay.secrets set refresh_due_at = now() where integration_id = ${integrationId}::uuid`
    await refreshAhead(runtime, testProvider, integrationId)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-2' })
    expect(server.forms.map((form) => form.get('grant_type'))).toEqual(['urn:ietf:params:oauth:grant-type:jwt-bearer'])
  })

  it('can be waited for by a process that is about to end', async () => {
    await using server = await startTokenServer((...request) => setTimeout(() => answer(tokenBody(2))(...request), 500))
    const runtime = runtimeAt(server.url)
    const integrationId = await storeIntegration(runtime, 400)
    expect(await source(runtime, integrationId).get()).toMatchObject({ accessToken: 'access-1' })
    await settleRefreshes(runtime)
    expect(await readSecret(sql, primary(integrationId))).toMatchObject({ version: 2n })
  })
})

async function stampede(processes: number, order: StampedeOrder): Promise<StampedeReport[]> {
  const children = Array.from({ length: processes }, () =>
    fork(new URL('./stampede-process.ts', import.meta.url), { execArgv: [] }),
  )
  try {
    await Promise.all(children.map((child) => once(child, 'message')))
    return await Promise.all(
      children.map(async (child) => {
        const report = once(child, 'message')
        child.send(order)
        return ((await report) as [StampedeReport])[0]
      }),
    )
  } finally {
    for (const child of children) child.kill()
  }
}

/** As if another process had found our lease expired. */
async function takeLease(integrationId: string): Promise<void> {
  await sql`
    update patchbay.secrets set lease_owner = gen_random_uuid(), lease_expires_at = now() + interval '1 minute'
    where integration_id = ${integrationId}::uuid`
}

/** The user connects the same account again; the tokens are `access-<number>` and `refresh-<number>`. */
async function reconnect(runtime: TestRuntime, integrationId: string, number: number): Promise<void> {
  await connectTokens(runtime, integrationId, { primary: tokenSet(number) })
}

async function statusOf(integrationId: string): Promise<unknown> {
  const [row] = await sql`select status, status_reason from public.integrations where id = ${integrationId}::uuid`
  return row
}

/** The provider's answers take as long as they take; waiting for them does not. */
function withTimeout(ms: number): typeof fetch {
  return (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(ms) })
}

function withServiceAccount(url: string, privateKey: string): TestRuntime {
  const file = { type: 'service_account', client_email: 'robot@project.test', private_key: privateKey, private_key_id: 'key-1' }
  return createRuntime(sql, { ...env, CONNECTOR_SANDBOX_URL: url, TEST_SERVICE_ACCOUNT: JSON.stringify(file) })
}
