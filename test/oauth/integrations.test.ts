import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { disconnectIntegration, findIntegration, listIntegrations } from '../../src/shared/oauth/integrations.ts'
import { refreshNow, tokenSource } from '../../src/shared/oauth/tokens.ts'
import { sealTokens } from '../../src/shared/oauth/sealed-tokens.ts'
import {
  beginRefresh,
  finishRefresh,
  markNeedsReauth,
  releaseRefresh,
  reserveIntegration,
} from '../../src/shared/oauth/secret-store.ts'
import { addEndpoint, addFile, addUser, connectAccount } from '../db/rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  completeEnv,
  connectTokens,
  createRuntime,
  eventsOf,
  primary,
  storeIntegration,
  testProvider,
  tokenSet,
  type TestRuntime,
} from './support.ts'

// What the functions of the schema do to an integration, and what its owner can read of it.

let db: TestDatabase
let sql: ReturnType<typeof connect>
let runtime: TestRuntime
const expired = -1_000
const hour = 3600_000
const byOwner = { actor: 'user', source: 'oauth-disconnect', ip: '192.0.2.7', user_agent: 'Firefox' } as const

beforeAll(async () => {
  db = await createTestDatabase()
  sql = connect(db.url, 3)
  runtime = createRuntime(sql, completeEnv())
})
afterEach(async () => {
  await sql`delete from auth.users`
  await sql`delete from patchbay.revocations`
  await sql`delete from pgboss.job`
})
afterAll(async () => {
  await sql.end()
  await db[Symbol.asyncDispose]()
})

describe('a refresh that failed', () => {
  it.each<[string, number, string | null, string]>([
    ['primary', expired, 'It is down.', 'error'],
    ['primary', hour, 'It is down.', 'connected'],
    // The operator's to mend.
    ['primary', expired, null, 'connected'],
    ['user', expired, 'It is down.', 'connected'],
  ])('of the token %s, which lives for %i ms, for the reason %j, leaves the integration %s', async (name, ms, reason, status) => {
    const integrationId = await storeIntegration(runtime, ms, {}, { user: tokenSet(2, ms) })
    const owner = crypto.randomUUID()
    const id = { integrationId, name }
    await beginRefresh(sql, id, { owner, version: 1n, leaseMs: 1000 })
    await releaseRefresh(sql, id, { owner, errorCode: 'provider_unavailable', reason, retryAfterMs: 0 })
    expect(await stateOf(integrationId)).toEqual({ status, status_reason: status === 'error' ? reason : null })

    await finishRefresh(sql, id, 1n, await sealTokens(runtime.config, id, tokenSet(3)))
    expect(await stateOf(integrationId)).toEqual({ status: 'connected', status_reason: null })
    expect(await eventsOf(sql, integrationId)).toEqual(status === 'error' ? ['connected', 'error', 'recovered'] : ['connected'])
  })

  it('changes nothing when its lease had gone to another', async () => {
    const integrationId = await storeIntegration(runtime, expired)
    await beginRefresh(sql, primary(integrationId), { owner: crypto.randomUUID(), version: 1n, leaseMs: 1000 })
    const late = { owner: crypto.randomUUID(), errorCode: 'provider_unavailable', reason: 'It is down.', retryAfterMs: 0 }
    await releaseRefresh(sql, primary(integrationId), late)
    expect(await stateOf(integrationId)).toMatchObject({ status: 'connected' })
  })
})

describe('a transition', () => {
  it('is one line in the log of its owner and one event, however often its cause is seen', async () => {
    await sql`select pgboss.create_queue('watch', '{"policy": "standard"}')`
    await sql`
      insert into pgboss.subscription (event, name)
      values ('integration.needs_reauth', 'watch'), ('integration.recovered', 'watch')`
    const integrationId = await storeIntegration(runtime, hour)
    for (let run = 0; run < 3; run += 1) await markNeedsReauth(sql, primary(integrationId), 1n, 'Revoked.')
    for (let run = 0; run < 3; run += 1) await connectTokens(runtime, integrationId, { primary: tokenSet(2) })

    expect(await eventsOf(sql, integrationId)).toEqual(['connected', 'needs_reauth', 'recovered', 'reconnected', 'reconnected'])
    const jobs = await sql`select data from pgboss.job where name = 'watch' order by created_on`
    expect(jobs.map(({ data }) => data)).toMatchObject([
      { integration_id: integrationId, provider: 'test-provider', from: 'connected', to: 'needs_reauth', reason: 'Revoked.' },
      { integration_id: integrationId, from: 'needs_reauth', to: 'connected', reason: null },
    ])
  })

  it('says who is behind it, and takes SQL for the operator', async () => {
    const integrationId = await storeIntegration(runtime, hour)
    await markNeedsReauth(sql, primary(integrationId), 1n, 'Revoked.')
    await sql`update public.integrations set status = 'error', status_reason = 'Maintenance.' where id = ${integrationId}::uuid`
    const lines = await sql`
      select event, actor, source, reason from public.audit_log where integration_id = ${integrationId}::uuid order by created_at`
    expect([...lines]).toEqual([
      { event: 'connected', actor: 'user', source: 'oauth-callback', reason: null },
      { event: 'needs_reauth', actor: 'system', source: 'refresh', reason: 'Revoked.' },
      { event: 'error', actor: 'operator', source: 'sql', reason: 'Maintenance.' },
    ])
  })
})

describe('the sweep of tokens', () => {
  it.each<[string, number | null, string | undefined, boolean]>([
    ['has expired', expired, undefined, true],
    [
      'never ends and was last refreshed yesterday',
      null,
      "update patchbay.secrets set updated_at = now() - interval '12 hours'",
      true,
    ],
    ['never ends and was refreshed lately', null, undefined, false],
    ['lives', hour, undefined, false],
    ['has expired and cannot be refreshed', expired, 'update patchbay.secrets set refresh_token_jwe = null', false],
    ['is dead', expired, "update patchbay.secrets set last_error_code = 'needs_reauth'", false],
    ['its owner has to mend', expired, "update public.integrations set status = 'needs_reauth'", false],
    ['was not refreshed by mistake of the provider', expired, "update public.integrations set status = 'error'", true],
  ])('makes due one that %s: %s', async (_what, expiresInMs, change, due) => {
    await storeIntegration(runtime, expiresInMs, { refreshDueAt: null })
    if (change !== undefined) await sql.unsafe(change)
    expect([...(await sql`select patchbay.sweep_tokens() as swept`)]).toEqual([{ swept: due ? 1 : 0 }])
    expect([...(await sql`select refresh_due_at <= now() as due from patchbay.secrets`)]).toEqual([{ due }])
  })
})

describe('a first connection', () => {
  it('is listed once it was completed, and says since when', async () => {
    const userId = await addUser(sql)
    const account = { provider: 'test-provider', grantType: 'authorization_code', accountId: 'a', accountLabel: 'a@example.com' }
    const id = await reserveIntegration(sql, { userId, ...account })
    expect(await listIntegrations(sql, userId)).toEqual([])
    expect(await findIntegration(sql, userId, id)).toMatchObject({ status: 'disconnected', connected_at: null, has_token: false })

    await connectTokens(runtime, id, { primary: tokenSet(1) })
    const [listed] = await listIntegrations(sql, userId, 'test-provider')
    expect(listed).toMatchObject({ id, status: 'connected', has_token: true, refreshable: true, scope: 'read' })
    await finishRefresh(sql, primary(id), 1n, await sealTokens(runtime.config, primary(id), tokenSet(2)))
    const connectedAt = async () => (await findIntegration(sql, userId, id))?.connected_at
    expect(await connectedAt()).toEqual(listed?.connected_at)
    await connectTokens(runtime, id, { primary: tokenSet(3) })
    expect(Number(await connectedAt())).toBeGreaterThan(Number(listed?.connected_at))

    expect(await listIntegrations(sql, userId, 'another-provider')).toEqual([])
    expect(await findIntegration(sql, await addUser(sql), id)).toBeUndefined()
  })
})

describe('a disconnect', () => {
  it('takes the secrets out at once, each into a revocation with its job', async () => {
    const integrationId = await storeIntegration(runtime, hour, {}, { user: tokenSet(2) })
    const userId = await ownerOf(integrationId)
    expect(await disconnect(userId, integrationId)).toBe(true)
    expect(await sql`select from patchbay.secrets`).toHaveLength(0)
    expect(await stateOf(integrationId)).toEqual({ status: 'disconnected', status_reason: 'Disconnected by its owner.' })
    const revocations = await sql<{ id: string; name: string }[]>`
      select id, name from patchbay.revocations where integration_id = ${integrationId}::uuid order by name`
    expect(revocations.map(({ name }) => name)).toEqual(['primary', 'user'])
    const jobs = await sql<{ data: { revocation_id: string } }[]>`select data from pgboss.job where name = 'revoke-token'`
    expect(new Set(jobs.map(({ data }) => data.revocation_id))).toEqual(new Set(revocations.map(({ id }) => id)))

    // Again: nothing is left to do.
    expect(await disconnect(userId, integrationId)).toBe(true)
    const lines = await sql`
      select event, actor, source, host(ip) as ip, user_agent from public.audit_log
      where integration_id = ${integrationId}::uuid and event = 'disconnected'`
    expect([...lines]).toEqual([{ event: 'disconnected', ...byOwner }])
  })

  it('is for the owner alone', async () => {
    const integrationId = await storeIntegration(runtime, hour)
    expect(await disconnect(await addUser(sql), integrationId)).toBe(false)
    expect(await stateOf(integrationId)).toMatchObject({ status: 'connected' })
    expect(await sql`select from patchbay.secrets`).toHaveLength(1)
  })

  it.each([
    [false, 1],
    [true, 0],
  ])('stops endpoints and what runs; with deleteRows %s it leaves %i rows', async (deleteRows, rows) => {
    const userId = await addUser(sql)
    const integrationId = await connectAccount(sql, userId)
    const endpointId = await addEndpoint(sql, userId)
    await addFile(sql, endpointId, userId)
    const [run] = await sql<{ fence: bigint }[]>`select fence from patchbay.claim_run(${endpointId}::uuid)`
    await disconnectIntegration(sql, userId, integrationId, { deleteRows, origin: byOwner })
    expect([...(await sql`select next_sync_at = 'infinity' as stopped, last_sync_status from public.endpoints`)]).toEqual([
      { stopped: true, last_sync_status: 'pending' },
    ])
    expect([...(await sql`select status, error_code from public.sync_logs`)]).toEqual([
      { status: 'failed', error_code: 'not_connected' },
    ])
    const [state] = await sql<{ fence: bigint }[]>`select fence from patchbay.sync_state`
    expect(state?.fence).toBeGreaterThan(run?.fence ?? 0n)
    expect([...(await sql`select is_active from public.oauth_tokens`)]).toEqual([{ is_active: false }])
    expect(await sql`select from public.files`).toHaveLength(rows)

    // Connected again, the same endpoint goes on.
    await connectAccount(sql, userId)
    expect([...(await sql`select next_sync_at <= now() as due, integration_id from public.endpoints`)]).toEqual([
      { due: true, integration_id: integrationId },
    ])
  })

  it.each(['service_account', 'client_credentials'])("revokes nothing of the operator's: %s", async (grantType) => {
    const integrationId = await storeIntegration(runtime, hour)
    await sql`update public.integrations set grant_type = ${grantType}`
    await disconnect(await ownerOf(integrationId), integrationId)
    expect(await sql`select from patchbay.secrets`).toHaveLength(0)
    expect(await sql`select from patchbay.revocations`).toHaveLength(0)
  })
})

describe('an account that is connected anew after a disconnect', () => {
  it('is not touched by a refresh that began before', async () => {
    const integrationId = await storeIntegration(runtime, hour, {}, { user: tokenSet(2) })
    const userId = await ownerOf(integrationId)
    await disconnect(userId, integrationId)
    await connectTokens(runtime, integrationId, { primary: tokenSet(3) })
    await connectTokens(runtime, integrationId, { primary: tokenSet(4), user: tokenSet(5) })

    for (const id of [primary(integrationId), { integrationId, name: 'user' }]) {
      expect(await markNeedsReauth(sql, id, 1n, 'Late.')).toBe(false)
      expect(await finishRefresh(sql, id, 1n, await sealTokens(runtime.config, id, tokenSet(9)))).toBe(false)
    }
    expect(await stateOf(integrationId)).toMatchObject({ status: 'connected' })
  })

  it('does not keep a refresh token that was refused', async () => {
    const integrationId = await storeIntegration(runtime, hour)
    await markNeedsReauth(sql, primary(integrationId), 1n, 'Refused.')
    await connectTokens(runtime, integrationId, { primary: { ...tokenSet(2), refreshToken: null } })
    expect(await sql`select from patchbay.secrets where refresh_token_jwe is not null`).toHaveLength(0)
  })
})

describe('the scheduler', () => {
  it('leaves what its owner has to mend alone', async () => {
    const userId = await addUser(sql)
    const integrationId = await connectAccount(sql, userId)
    await addEndpoint(sql, userId)
    await sql`update patchbay.secrets set refresh_due_at = now()`
    await sql`update public.integrations set status = 'needs_reauth' where id = ${integrationId}::uuid`
    await sql`update public.endpoints set next_sync_at = now()`
    expect([...(await sql`select patchbay.enqueue_due() as jobs`)]).toEqual([{ jobs: 0 }])
    await sql`update public.integrations set status = 'error' where id = ${integrationId}::uuid`
    expect([...(await sql`select patchbay.enqueue_due() as jobs`)]).toEqual([{ jobs: 2 }])
  })
})

describe('an app that reads without a user', () => {
  const addApp = async (userId: string, clientId: string): Promise<string> => {
    const id = await connectAccount(sql, userId, { accountId: clientId })
    await sql`update public.integrations set grant_type = 'client_credentials' where id = ${id}::uuid`
    return id
  }
  const boundTo = async (endpointId: string): Promise<unknown> =>
    (await sql`select integration_id from public.endpoints where id = ${endpointId}::uuid`)[0]?.['integration_id']

  it('is what an endpoint reads with that names its client_id, among several', async () => {
    const userId = await addUser(sql)
    const [one, other] = [await addApp(userId, 'client-1'), await addApp(userId, 'client-2')]
    await connectAccount(sql, userId, { accountId: 'pat' })
    for (const [clientId, integrationId] of [
      ['client-1', one],
      ['client-2', other],
    ] as const) {
      const endpointId = await addEndpoint(sql, userId, { endpoint_config: { client_id: clientId } })
      expect(await boundTo(endpointId)).toBe(integrationId)
    }
    await expect(addEndpoint(sql, userId, { endpoint_config: { client_id: 'client-3' } })).rejects.toThrow('has 3')
  })

  it('is not for a user who was not given it', async () => {
    await addApp(await addUser(sql), 'client-1')
    const endpointId = await addEndpoint(sql, await addUser(sql), { endpoint_config: { client_id: 'client-1' } })
    expect(await boundTo(endpointId)).toBeNull()
  })

  it('is taken by the endpoints that waited for it', async () => {
    const userId = await addUser(sql)
    const endpointId = await addEndpoint(sql, userId, { endpoint_config: { client_id: 'client-1' } })
    const app = await addApp(userId, 'client-1')
    expect(await boundTo(endpointId)).toBe(app)
  })
})

describe('a token that is refused and has nothing to refresh it with', () => {
  it('needs_reauth, for the reason that the provider gave', async () => {
    const integrationId = await storeIntegration(runtime, null, { refreshToken: null })
    const tokens = tokenSource(runtime, testProvider, integrationId)
    const { version } = await tokens.get()
    await expect(tokens.renew(version, 'It was revoked (401).')).rejects.toMatchObject({ code: 'needs_reauth' })
    expect(await stateOf(integrationId)).toEqual({ status: 'needs_reauth', status_reason: 'It was revoked (401).' })
  })
})

describe('a refresh', () => {
  it('now, of a token that has nothing to refresh it with and still works, leaves it as it is', async () => {
    const integrationId = await storeIntegration(runtime, null, { refreshToken: null })
    await refreshNow(runtime, testProvider, integrationId)
    expect(await stateOf(integrationId)).toMatchObject({ status: 'connected' })
    // Due when it ends, not before: then only its owner can mend it.
    await connectTokens(runtime, integrationId, { primary: { ...tokenSet(2), refreshToken: null } })
    await sql`update patchbay.secrets set refresh_token_jwe = null`
    await connectTokens(runtime, integrationId, { primary: { ...tokenSet(3), refreshToken: null } })
    expect([...(await sql`select refresh_due_at = expires_at as late from patchbay.secrets`)]).toEqual([{ late: true }])
  })

  it('whose account is disconnected meanwhile leaves its new pair to the revocations', async () => {
    const integrationId = await storeIntegration(runtime, hour)
    await disconnect(await ownerOf(integrationId), integrationId)
    const id = primary(integrationId)
    expect(await finishRefresh(sql, id, 1n, await sealTokens(runtime.config, id, tokenSet(2)))).toBe(false)
    expect(await sql`select from patchbay.revocations`).toHaveLength(2)
    expect(await sql`select from pgboss.job where name = 'revoke-token'`).toHaveLength(2)
  })
})

describe('a revocation', () => {
  it.each([
    ['of a row', 'delete from public.integrations'],
    ['with its user', 'delete from auth.users'],
  ])('follows when an integration is deleted %s', async (_what, statement) => {
    await storeIntegration(runtime, hour)
    await sql.unsafe(statement)
    const [revocation] = await sql<{ id: string }[]>`select id from patchbay.revocations`
    expect(await sql`select from pgboss.job where name = 'revoke-token'`).toHaveLength(1)
    await finish(revocation!.id, 'revoked', null)
    expect(await sql`select from patchbay.revocations`).toHaveLength(0)
  })

  it.each([
    ['revoked', null],
    ['revocation_failed', 'It has no way to.'],
  ])('that ends as %s, for the reason %j, tells the owner and forgets the token', async (event, reason) => {
    const integrationId = await storeIntegration(runtime, hour)
    await disconnect(await ownerOf(integrationId), integrationId)
    const [revocation] = await sql<{ id: string }[]>`select id from patchbay.revocations`
    for (let run = 0; run < 2; run += 1) await finish(revocation!.id, event, reason)
    expect(await sql`select from patchbay.revocations`).toHaveLength(0)
    const lines = await sql`
      select event, reason, actor, source from public.audit_log
      where integration_id = ${integrationId}::uuid and event in ('revoked', 'revocation_failed')`
    expect([...lines]).toEqual([{ event, reason, actor: 'system', source: 'revoke-token' }])
  })

  it('is given up by the sweep after a day, and not before', async () => {
    for (const hours of [23, 25]) {
      const integrationId = await storeIntegration(runtime, hour)
      await disconnect(await ownerOf(integrationId), integrationId)
      await sql`
        update patchbay.revocations set created_at = now() - ${hours} * interval '1 hour'
        where integration_id = ${integrationId}::uuid`
    }
    await sql`insert into patchbay.rate_limits values ('old', 1, 1), ('live', 1, (extract(epoch from now()) * 1000 + 60000)::bigint)`
    await sql`select patchbay.sweep()`
    expect(await sql`select from patchbay.revocations`).toHaveLength(1)
    expect(await sql`select from public.audit_log where event = 'revocation_failed'`).toHaveLength(1)
    expect([...(await sql`select key from patchbay.rate_limits`)]).toEqual([{ key: 'live' }])
  })
})

function disconnect(userId: string, integrationId: string): Promise<boolean> {
  return disconnectIntegration(sql, userId, integrationId, { deleteRows: false, origin: byOwner })
}

async function finish(revocationId: string, event: string, reason: string | null): Promise<void> {
  await sql`select patchbay.finish_revocation(${revocationId}::uuid, ${event}, ${reason})`
}

async function ownerOf(integrationId: string): Promise<string> {
  const [row] = await sql<[{ user_id: string }]>`select user_id from public.integrations where id = ${integrationId}::uuid`
  return row.user_id
}

async function stateOf(integrationId: string): Promise<unknown> {
  const [row] = await sql`select status, status_reason from public.integrations where id = ${integrationId}::uuid`
  return row
}
