import { PgBoss } from 'pg-boss'
import postgres, { type Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { tokenSource } from '../../src/shared/oauth/tokens.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import { app, startTestApi, type TestApi, type TestUser } from './support.ts'

let api: TestApi
let pat: TestUser
/** Where the Data API sits. */
let authenticator: Sql
const headers = { 'cf-connecting-ip': '203.0.113.9', 'user-agent': 'Browser/1.0' }

beforeAll(async () => {
  api = await startTestApi()
  const { databaseUrl } = api.runtime.config
  authenticator = postgres(databaseUrl.replace('//postgres:', '//authenticator:'), { max: 1, onnotice: () => {} })
  pat = await api.signUp()
})
afterEach(async () => {
  await api.sandbox.clearFaults()
  await api.sql`delete from public.integrations`
  // The service role and the API have no right to, so that the log can be trusted; the test's role owns it.
  await api.sql`delete from public.audit_log`
  await api.sql`delete from pgboss.job`
  await api.sql`delete from pgboss.subscription`
})
afterAll(async () => {
  await authenticator.end()
  await api[Symbol.asyncDispose]()
})

describe('the audit log', () => {
  it('has who did what, when and from where', async () => {
    await api.connect(pat, 'google-drive')
    await api.call('integrations/google-drive/disconnect', { user: pat, body: {}, headers })
    expect(await log()).toEqual([
      line({ event: 'connected', from_status: 'disconnected', to_status: 'connected', source: 'oauth-callback' }),
      line({
        event: 'disconnected',
        from_status: 'connected',
        to_status: 'disconnected',
        reason: 'Disconnected by its owner.',
        source: 'integrations',
        ip: '203.0.113.9',
        user_agent: 'Browser/1.0',
      }),
    ])
    const [times] = await api.sql`
      select bool_and(created_at between now() - interval '1 minute' and clock_timestamp()) as recent, count(distinct created_at)::integer as distinct
      from public.audit_log`
    expect(times).toEqual({ recent: true, distinct: 2 })
  })

  it('tells a connection that is made anew from one that recovers', async () => {
    const integrationId = await api.connect(pat, 'google-drive')
    await api.connect(pat, 'google-drive', { integrationId })
    await breakConnection(integrationId)
    await api.connect(pat, 'google-drive', { integrationId })
    expect((await log()).map(({ event }) => event)).toEqual(['connected', 'reconnected', 'needs_reauth', 'recovered'])
  })

  it("has the system's changes, with the reason that their owner reads", async () => {
    await breakConnection(await api.connect(pat, 'google-drive'))
    expect((await log()).at(-1)).toEqual(
      line({
        event: 'needs_reauth',
        from_status: 'connected',
        to_status: 'needs_reauth',
        reason: expect.stringContaining('Connect'),
        actor: 'system',
        source: 'refresh',
        user_agent: null,
      }),
    )
  })

  it("has the operator's, made in SQL, and nothing of a change that changes nothing", async () => {
    await api.connect(pat, 'google-drive')
    for (let times = 0; times < 2; times += 1)
      await api.sql`update public.integrations set status = 'error', status_reason = 'Maintenance.'`
    await api.sql`update public.integrations set status = 'connected', status_reason = null`
    expect((await log()).slice(1)).toEqual([
      line({
        event: 'error',
        from_status: 'connected',
        to_status: 'error',
        reason: 'Maintenance.',
        actor: 'operator',
        source: 'sql',
        user_agent: null,
      }),
      line({
        event: 'recovered',
        from_status: 'error',
        to_status: 'connected',
        actor: 'operator',
        source: 'sql',
        user_agent: null,
      }),
    ])
  })

  it("has the service role's, which may change an integration and not the log", async () => {
    await api.connect(pat, 'google-drive')
    await as('service_role', pat.id, (sql) => sql`update public.integrations set status = 'needs_reauth'`)
    expect((await log()).at(-1)).toMatchObject({ event: 'needs_reauth', actor: 'operator' })
    for (const statement of ['delete from public.audit_log', `update public.audit_log set event = 'connected'`])
      await expect(as('service_role', pat.id, (sql) => sql.unsafe(statement))).rejects.toMatchObject({ code: '42501' })
  })

  it('attributes nothing to who used the same connection of the pool before', async () => {
    await api.connect(pat, 'google-drive')
    const single = postgres(api.runtime.config.databaseUrl, { max: 1, onnotice: () => {} })
    const [row] = await api.sql<{ id: string }[]>`select id from public.integrations`
    await single`select patchbay.disconnect_integration(${pat.id}, ${row!.id}, false, '{"actor": "user", "source": "integrations"}')`
    await single`update public.integrations set status = 'error'`
    await single.end()
    expect((await log()).slice(1).map(({ event, actor }) => [event, actor])).toEqual([
      ['disconnected', 'user'],
      ['error', 'operator'],
    ])
  })

  it('is read by its owner alone, and written by nobody', async () => {
    const eve = await api.signUp()
    await api.connect(pat, 'google-drive')
    const read = (role: string, id: string) => as(role, id, (sql) => sql`select event from public.audit_log`)
    expect(await read('authenticated', pat.id)).toHaveLength(1)
    expect(await read('authenticated', eve.id)).toHaveLength(0)
    await expect(read('anon', pat.id)).rejects.toMatchObject({ code: '42501' })
    for (const statement of [
      'delete from public.audit_log',
      `update public.audit_log set event = 'connected'`,
      `insert into public.audit_log (user_id, provider, event, actor) values ('${pat.id}', 'google-drive', 'connected', 'user')`,
      `select patchbay.record_event('${pat.id}', null, 'google-drive', 'connected', null, null, null, null)`,
    ])
      await expect(
        as('authenticated', pat.id, (sql) => sql.unsafe(statement)),
        statement,
      ).rejects.toMatchObject({ code: '42501' })
  })
})

describe('a callback that fails', () => {
  it('is in the log by its code', async () => {
    const declined = await untilCallback({ deny: true })
    await api.call(declined.callback, { headers: { ...headers, cookie: declined.cookie } })
    await completeWith('4/0Astolen')
    const { callback, cookie } = await untilCallback()
    // Another browser than the one that began.
    await api.call(callback, { headers })
    // And once more: nobody's, as the state is used up.
    await api.call(callback, { headers: { ...headers, cookie } })
    expect((await log()).map(({ event, reason, ip, source }) => ({ event, reason, ip, source }))).toEqual([
      { event: 'connect_failed', reason: 'access_denied', ip: '203.0.113.9', source: 'oauth-callback' },
      { event: 'connect_failed', reason: 'code_rejected', ip: '203.0.113.9', source: 'oauth-callback' },
      { event: 'connect_failed', reason: 'browser_mismatch', ip: '203.0.113.9', source: 'oauth-callback' },
    ])
  })

  it('leaves no code, state or token in it', async () => {
    const state = await completeWith('4/0Astolen')
    const { callback } = await untilCallback()
    await api.call(callback, { headers })
    await api.connect(pat, 'google-drive')
    const [dump] = await api.sql<{ text: string }[]>`select string_agg(to_jsonb(a)::text, ' ') as text from public.audit_log a`
    const issued = await api.sandbox.control('google-drive').tokens()
    const parameters = [...new URL(callback, api.url).searchParams.values()].filter((value) => value.length > 20)
    const secrets = ['4/0Astolen', state, ...issued, ...parameters.filter((value) => !value.startsWith('https:'))]
    expect(secrets.length).toBeGreaterThan(4)
    expect(secrets.filter((secret) => dump!.text.includes(secret))).toEqual([])
  })

  /** The client-driven form, with a code that was never given. Gives the state. */
  async function completeWith(code: string): Promise<string> {
    const body = { provider: 'google-drive', flow: 'client', redirect_uri: app }
    const { state } = (await api.call('oauth-authorize', { user: pat, body })).body
    await api.call('oauth-callback', { user: pat, body: { code, state }, headers })
    return state
  }

  /** Everything up to the moment when the provider sends the browser back, and the cookie that it would send along. */
  async function untilCallback(choice: ConsentChoice = {}): Promise<{ callback: string; cookie: string }> {
    const begun = await api.call('oauth-authorize', { user: pat, body: { provider: 'google-drive' } })
    const start = await api.call(pathOf(begun.body.url), { headers: { referer: `${app}/` } })
    const callback = await approveConsent(start.headers.get('location') ?? '', choice)
    return { callback: pathOf(callback), cookie: start.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
  }

  function pathOf(url: string): string {
    return url.slice(url.indexOf('/functions/v1/') + '/functions/v1/'.length)
  }
})

describe('an event', () => {
  it('is a job in each queue that subscribes, in SQL or with pg-boss', async () => {
    const { databaseUrl } = api.runtime.config
    await api.sql`select pgboss.create_queue('send-mail', '{"policy": "standard"}')`
    await api.sql`select pgboss.create_queue('audit-export', '{"policy": "standard"}')`
    await api.sql`insert into pgboss.subscription (event, name) values ('integration.needs_reauth', 'send-mail')`
    const boss = new PgBoss({
      connectionString: databaseUrl,
      schema: 'pgboss',
      migrate: false,
      supervise: false,
      schedule: false,
    })
    await boss.start()
    await boss.subscribe('integration.needs_reauth', 'audit-export')

    const integrationId = await api.connect(pat, 'google-drive')
    await breakConnection(integrationId)
    const data = {
      integration_id: integrationId,
      user_id: pat.id,
      provider: 'google-drive',
      from: 'connected',
      to: 'needs_reauth',
      reason: expect.any(String),
    }
    expect(await boss.fetch('send-mail', { batchSize: 10 })).toMatchObject([{ data }])
    expect(await boss.fetch('audit-export', { batchSize: 10 })).toMatchObject([{ data }])
    await boss.stop({ graceful: false })
  })

  it('is told once, however many runs meet it; so is the recovery', async () => {
    await api.sql`select pgboss.create_queue('watch', '{"policy": "standard"}')`
    await api.sql`
      insert into pgboss.subscription (event, name) values ('integration.needs_reauth', 'watch'), ('integration.recovered', 'watch')`
    const integrationId = await api.connect(pat, 'google-drive')
    await breakConnection(integrationId, 20)
    await breakConnection(integrationId, 5)
    await api.connect(pat, 'google-drive', { integrationId })
    await api.call('integrations/google-drive/refresh', { user: pat, body: {} })
    await api.call('integrations/google-drive/refresh', { user: pat, body: {} })
    const jobs = await api.sql`select data ->> 'to' as to from pgboss.job where name = 'watch' order by created_on`
    expect(jobs).toEqual([{ to: 'needs_reauth' }, { to: 'connected' }])
    expect((await log()).map(({ event }) => event)).toEqual(['connected', 'needs_reauth', 'recovered'])
  })

  it('that nobody subscribes to costs no job', async () => {
    await breakConnection(await api.connect(pat, 'google-drive'))
    expect(await api.sql`select from pgboss.job`).toHaveLength(0)
  })
})

/** The user revokes the app at the provider, and so many runs, each in a process of its own, notice. */
async function breakConnection(integrationId: string, runs = 1): Promise<void> {
  await api.sandbox.control('google-drive').revokeGrants('pat@example.com')
  await api.sql`update patchbay.secrets set expires_at = now()`
  const outcomes = await Promise.allSettled(
    Array.from({ length: runs }, () => tokenSource({ ...api.runtime }, findProvider('google-drive'), integrationId).get()),
  )
  expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'rejected'))
}

interface Line {
  event: string
  from_status: string | null
  to_status: string | null
  reason: string | null
  actor: string
  source: string | null
  ip: string | null
  user_agent: string | null
}

async function log(): Promise<Line[]> {
  return api.sql<Line[]>`
    select event, from_status, to_status, reason, actor, source, host(ip) as ip, user_agent
    from public.audit_log where user_id = ${pat.id}::uuid order by created_at`
}

function line(changes: Partial<Line>) {
  const usual = { from_status: null, to_status: null, reason: null, actor: 'user', ip: null, user_agent: expect.any(String) }
  return { ...usual, ...changes }
}

/** Runs something as a request to the Data API does. */
function as<T>(role: string, userId: string, work: (sql: postgres.TransactionSql) => PromiseLike<T>) {
  return authenticator.begin(async (sql) => {
    await sql`select set_config('request.jwt.claims', ${JSON.stringify({ sub: userId, role })}, true)`
    await sql.unsafe(`set local role ${role}`)
    return work(sql)
  })
}
