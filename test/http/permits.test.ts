import { setTimeout as sleep } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { connect } from '../../src/shared/db/connection.ts'
import { PatchbayError } from '../../src/shared/errors.ts'
import { createProviderApi, type RequestLimits, requestLimits } from '../../src/shared/http/provider-api.ts'
import { type Permits, sharedPermits } from '../../src/shared/http/permits.ts'
import { createLogger } from '../../src/shared/log.ts'
import type { ApiLimit, ProviderDefinition } from '../../src/shared/providers/define.ts'
import { addUser } from '../db/rows.ts'
import { testProvider } from '../oauth/support.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { json, startServer } from './test-server.ts'

const request = { method: 'GET', path: '/things' }
const perSecond = (amount: number, changes: Partial<ApiLimit> = {}): ApiLimit => ({
  name: 'requests',
  per: 'app',
  amount,
  periodMs: 1000,
  cost: () => 1,
  ...changes,
})

it('keeps eight takers on eight connections below the limit in every window, and uses nine tenths of it', async () => {
  await using db = await createTestDatabase()
  const turns: number[] = []
  const until = performance.now() + 3000
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const sql = connect(db.url, 1)
      while (performance.now() < until) {
        // By the database's clock, as a process that is late to wake up would blur what is measured.
        const [turn] = await sql<[{ wait_ms: number; at: number }]>`
          select t.wait_ms, (1000 * extract(epoch from clock_timestamp()) + t.wait_ms)::float8 as at
          from patchbay.take_permits(
            'p', null, 'client', '[{"name": "n", "per": "app", "cost": 1, "amount": 50, "period_ms": 1000}]', 1, 20000
          ) t`
        turns.push(turn.at)
        await sleep(turn.wait_ms)
      }
      await sql.end()
    }),
  )
  turns.sort((a, b) => a - b)
  const within = (from: number) => turns.filter((at) => at >= from && at < from + 1000).length
  expect(Math.max(...turns.map(within))).toBeLessThanOrEqual(50)
  expect(within(turns[0]! + 500)).toBeGreaterThanOrEqual(45)
})

it('gives no turn to two who ask at the same moment', async () => {
  await using db = await createTestDatabase()
  await db.sql`insert into patchbay.permit_clocks values ('p', 'n', 'client', 'epoch')`
  const turns = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const sql = connect(db.url, 1)
      await sql`select 1`
      const rows = await Promise.all(
        Array.from({ length: 25 }, async () => {
          const [turn] = await sql<[{ at: number }]>`
            select (1000 * extract(epoch from clock_timestamp()) + t.wait_ms)::float8 as at
            from patchbay.take_permits(
              'p', null, 'client', '[{"name": "n", "per": "app", "cost": 1, "amount": 50, "period_ms": 1000}]', 1, 20000
            ) t`
          return turn.at
        }),
      )
      await sql.end()
      return rows
    }),
  )
  const sorted = turns.flat().toSorted((a, b) => a - b)
  // A turn is 21 ms; a busy machine may read the clock some time after the turn was given.
  const shared = sorted.filter((at, index) => index > 0 && at - sorted[index - 1]! < 5)
  expect(shared.length).toBeLessThan(10)
})

it('gives each its turn by one clock, the database’s', async () => {
  await using db = await createTestDatabase()
  const waits: number[] = []
  // Each with a clock of its own, hours away from the others.
  for (const hours of [0, -5, 7, 0]) {
    const permits = open(db.sql, { limits: [perSecond(1)], now: () => Date.now() + hours * 3_600_000, waits })
    await permits.take(request, 20_000)
  }
  // 1 a second, and 95 % of that: a turn each 1,053 ms.
  expect(waits).toHaveLength(3)
  waits.forEach((wait, index) => {
    expect(wait).toBeGreaterThan(1053 * (index + 1) - 500)
    expect(wait).toBeLessThanOrEqual(1053 * (index + 1))
  })
})

it('refuses, and reserves nothing, when the turn would come too late', async () => {
  await using db = await createTestDatabase()
  const permits = open(db.sql, { limits: [perSecond(1, { periodMs: 60_000 })] })
  await permits.take(request, 0)
  const before = await clocks(db)
  const error = await permits.take(request, 3000).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(PatchbayError)
  expect(error).toMatchObject({ code: 'provider_rate_limited', context: { provider: 'test-provider' } })
  expect((error as PatchbayError).retryAfterMs).toBeGreaterThan(60_000)
  expect(await clocks(db)).toEqual(before)
})

it('takes an operator’s figures for a definition’s', async () => {
  await using db = await createTestDatabase()
  const waits: number[] = []
  const permits = open(db.sql, { limits: [perSecond(1000)], waits })
  await db.sql`insert into patchbay.provider_limits values ('test-provider', 'requests', 1, 10000), ('another', 'requests', 9, 9)`
  await permits.take(request, 20_000)
  await permits.take(request, 20_000)
  expect(waits).toHaveLength(1)
  expect(waits[0]).toBeGreaterThan(10_000)
})

it('holds a sandbox to the figures of patchbay.provider_limits only', async () => {
  await using db = await createTestDatabase()
  const waits: number[] = []
  const permits = open(db.sql, { limits: [perSecond(1)], waits, sandboxUrl: 'http://127.0.0.1:1' })
  for (let index = 0; index < 40; index += 1) await permits.take(request, 0)
  expect(waits).toEqual([])
  await db.sql`insert into patchbay.provider_limits values ('test-provider', 'requests', 1, 10000)`
  const another = open(db.sql, { limits: [perSecond(1)], sandboxUrl: 'http://127.0.0.1:1' })
  await another.take(request, 0)
  await expect(another.take(request, 0)).rejects.toMatchObject({ code: 'provider_rate_limited' })
})

it('counts an account by itself, whoever has connected it, and an app for all its accounts', async () => {
  await using db = await createTestDatabase()
  const limits = [perSecond(1, { per: 'account', periodMs: 60_000 })]
  const one = await addIntegration(db.sql, 'one')
  await open(db.sql, { limits, integrationId: one }).take(request, 0)
  await open(db.sql, { limits, integrationId: await addIntegration(db.sql, 'two') }).take(request, 0)
  await expect(open(db.sql, { limits, integrationId: one }).take(request, 0)).rejects.toThrow()
  const again = open(db.sql, { limits, integrationId: await addIntegration(db.sql, 'one') })
  await expect(again.take(request, 0)).rejects.toThrow()

  const app = [perSecond(1, { name: 'app', periodMs: 60_000 })]
  await open(db.sql, { limits: app, integrationId: one }).take(request, 0)
  await expect(open(db.sql, { limits: app, integrationId: null }).take(request, 0)).rejects.toThrow()
  // An app that is connected by itself has its own client id.
  const other = await addIntegration(db.sql, 'another-client', 'client_credentials')
  await open(db.sql, { limits: app, integrationId: other }).take(request, 0)
})

it('reserves a request under all its limits or under none', async () => {
  await using db = await createTestDatabase()
  const wide = perSecond(1000, { name: 'a-wide' })
  const narrow = perSecond(1, { name: 'b-narrow', periodMs: 60_000, cost: ({ path }) => (path === '/list' ? 1 : 0) })
  const permits = open(db.sql, { limits: [wide, narrow] })
  await permits.take({ method: 'GET', path: '/list' }, 0)
  const before = await clocks(db)
  await expect(permits.take({ method: 'GET', path: '/list' }, 0)).rejects.toThrow()
  expect(await clocks(db)).toEqual(before)
  await permits.take({ method: 'GET', path: '/other' }, 0)
  expect(await clocks(db)).not.toEqual(before)
})

it('asks the database once for many requests where nobody waits, and once for one', async () => {
  await using db = await createTestDatabase()
  const limits = [perSecond(325_000, { periodMs: 60_000, cost: () => 100 })]
  const counted = countStatements(db)
  const permits = open(counted.sql, { limits })
  await permits.take(request, 0)
  expect(counted.statements()).toBe(1)
  for (let index = 1; index < 60; index += 1) await permits.take(request, 0)
  // 1 + 2 + 4 + 8 + 16 + 16 + 13
  expect(counted.statements()).toBe(7)
  await counted.sql.end()
})

it('drops what was reserved ahead and is not used in time', async () => {
  await using db = await createTestDatabase()
  const clock = { ms: 0 }
  const counted = countStatements(db)
  const permits = open(counted.sql, { limits: [perSecond(60_000, { periodMs: 60_000 })], now: () => clock.ms })
  for (let index = 0; index < 4; index += 1) await permits.take(request, 1000)
  // 1, then 2, then 4, of which 3 are left.
  expect(counted.statements()).toBe(3)
  clock.ms += 1000
  await permits.take(request, 1000)
  expect(counted.statements()).toBe(4)
  await counted.sql.end()
})

it('pauses everybody who falls under the narrowest limit, and spreads out what follows', async () => {
  await using db = await createTestDatabase()
  const limits = [perSecond(1000, { name: 'app' }), perSecond(1000, { name: 'user', per: 'account' })]
  const pat = await addIntegration(db.sql, 'pat')
  const sam = await addIntegration(db.sql, 'sam')
  const waits: number[] = []
  await open(db.sql, { limits, integrationId: pat }).pause(request, 5000)
  await open(db.sql, { limits, integrationId: sam, waits }).take(request, 0)
  expect(waits).toEqual([])
  const error = await open(db.sql, { limits, integrationId: pat })
    .take(request, 3000)
    .catch((reason: unknown) => reason)
  expect((error as PatchbayError).retryAfterMs).toBeGreaterThan(4000)

  await open(db.sql, { limits: [limits[0]!], integrationId: pat }).pause(request, 5000)
  await expect(open(db.sql, { limits, integrationId: sam }).take(request, 3000)).rejects.toMatchObject({
    code: 'provider_rate_limited',
  })
})

it('sends nothing during a pause that was reserved before it', async () => {
  await using db = await createTestDatabase()
  const limits = [perSecond(1, { periodMs: 2000 })]
  await open(db.sql, { limits }).take(request, 0)
  const begun = performance.now()
  const waiting = open(db.sql, { limits }).take(request, 20_000)
  await sleep(500)
  await open(db.sql, { limits }).pause(request, 3000)
  await waiting
  expect(performance.now() - begun).toBeGreaterThan(3500 - 50)
})

it('slows everybody down by what one is told: a 429 with Retry-After', async () => {
  await using db = await createTestDatabase()
  await using server = await startServer(json({}, 429, { 'retry-after': '2' }), json({ id: 'a' }))
  const limits = [perSecond(1000)]
  const api = (limited: Partial<RequestLimits>) =>
    createProviderApi({
      runtime: {
        fetch,
        now: Date.now,
        sleep: (ms) => sleep(ms),
        log: createLogger('error', () => {}, Date.now),
        config: { sandboxUrl: server.url, optional: () => undefined },
      },
      definition: { ...testProvider, api: { ...testProvider.api, limits } },
      tokens: {
        get: async () => ({ accessToken: 'token', tokenType: 'bearer', version: 1n }),
        renew: async () => ({ accessToken: 'newer', tokenType: 'bearer', version: 2n }),
        refused: async () => {},
      },
      limits: { ...requestLimits, ...limited },
      permits: open(db.sql, { limits }),
    })

  const begun = performance.now()
  const first = api({}).get('/things', {}, z.object({ id: z.string() }))
  await until(async () => (await clocks(db)).length > 0 && server.requests.length === 1)
  await until(async () => (await db.sql`select from patchbay.permit_clocks where paused_until > now()`).length === 1)
  // One that may wait does; one that somebody waits for says when.
  const second = api({}).get('/things', {}, z.object({ id: z.string() }))
  await expect(api({ longestWaitMs: 500 }).get('/things', {}, z.object({ id: z.string() }))).rejects.toMatchObject({
    code: 'provider_rate_limited',
  })
  expect(server.requests).toHaveLength(1)
  await Promise.all([first, second])
  expect(server.requests).toHaveLength(3)
  expect(performance.now() - begun).toBeGreaterThan(1990)
})

interface Setup {
  limits: readonly ApiLimit[]
  integrationId?: string | null
  now?: () => number
  /** Takes note of each wait, and does not wait. */
  waits?: number[]
  sandboxUrl?: string
}

function open(sql: Sql, { limits, integrationId = null, now = () => performance.now(), waits, sandboxUrl }: Setup): Permits {
  const definition: ProviderDefinition = { ...testProvider, api: { ...testProvider.api, limits } }
  const pass = async (ms: number) => {
    if (waits) waits.push(ms)
    else await sleep(ms)
  }
  const config = { sandboxUrl, optional: (name: string) => (name === 'TEST_CLIENT_ID' ? 'test-client' : undefined) }
  const permits = sharedPermits({ sql, now, sleep: pass, config }, definition, integrationId)
  if (!permits) throw new Error('The definition has no limits.')
  return permits
}

async function addIntegration(sql: Sql, account: string, grantType = 'authorization_code'): Promise<string> {
  const [row] = await sql<[{ id: string }]>`
    insert into public.integrations (user_id, provider, account_id, grant_type)
    values (${await addUser(sql)}, 'test-provider', ${account}, ${grantType})
    returning id`
  return row.id
}

async function clocks({ sql }: TestDatabase): Promise<unknown[]> {
  return [...(await sql`select * from patchbay.permit_clocks order by name`)]
}

/** A connection that counts what is asked of it. */
function countStatements(db: TestDatabase): { sql: Sql; statements: () => number } {
  let statements = 0
  const sql = postgres(db.url, { max: 1, fetch_types: false, onnotice: () => {}, debug: () => void (statements += 1) })
  return { sql, statements: () => statements }
}
