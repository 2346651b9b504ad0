import { describe, expect, it } from 'vitest'
import { disconnect, hookSecrets, startWatched, watchedTypes, type Hook, type Watched } from './support.ts'

const day = 24 * 3_600_000

describe.each(watchedTypes)('$endpointType', (type) => {
  it('is told of a change and syncs it, without the schedule', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    const hooks = await watched.hooks()
    expect(hooks.length).toBeGreaterThan(0)
    expect(statesOf(hooks)).toEqual(['active'])
    const { nextSyncAt } = await scheduleOf(watched)
    await watched.addFile('new.pdf')
    expect(await watched.files()).toEqual(['new.pdf'])
    // Whichever way: the schedule goes on from where it was, or from the sync that the change led to.
    expect((await scheduleOf(watched)).nextSyncAt).toBeGreaterThanOrEqual(nextSyncAt)
  })

  it('changes nothing for what is delivered twice, or replayed', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.api.sandbox.deliveries.setCopies(2)
    await watched.addFile('new.pdf')
    expect(await watched.files()).toEqual(['new.pdf'])
    const before = await traces(watched)
    await watched.api.sandbox.deliveries.replay()
    await watched.api.sandbox.deliveries.settled()
    expect(await traces(watched)).toEqual(before)
    const deliveries = await watched.api.sandbox.deliveries.list()
    expect(new Set(deliveries.flatMap(({ statuses }) => statuses))).toEqual(new Set([200]))
  })

  it('replaces a hook when a quarter of its life is left: the next one first, then the end of the old one', async () => {
    await using watched = await startWatched(type)
    const { sql } = watched
    await watched.tick()
    const before = await watched.hooks()
    const life = await sql<{ whole: number; left: number }[]>`
      select extract(epoch from expires_at - created_at)::float as whole, extract(epoch from expires_at - renew_due_at)::float as left
      from patchbay.webhooks`
    for (const { whole, left } of life) expect(left / whole).toBeCloseTo(0.25, 2)

    await sql`update patchbay.webhooks set renew_due_at = now()`
    await lookNow(watched)
    await watched.api.sandbox.deliveries.settled()
    const after = await watched.hooks()
    expect(after.map(({ plan_key }) => plan_key)).toEqual(before.map(({ plan_key }) => plan_key))
    expect(statesOf(after)).toEqual(['active'])
    expect(idsOf(after).filter((id) => idsOf(before).includes(id))).toEqual([])
    await watched.addFile('new.pdf')
    expect(await watched.files()).toEqual(['new.pdf'])
    expect(await refusedDeliveries(watched)).toEqual([])
  })

  it('stops its hooks when it is deleted, and the provider delivers nothing more', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.sql`delete from public.endpoints`
    expect(statesOf(await watched.hooks())).toEqual(['replaced'])
    await watched.tick()
    await watched.api.sandbox.deliveries.settled()
    expect(await watched.hooks()).toEqual([])
    const before = (await watched.api.sandbox.deliveries.list()).length
    await watched.addFile('new.pdf')
    expect(await watched.api.sandbox.deliveries.list()).toHaveLength(before)
  })

  it('has its hooks made anew where the address of the functions has moved', async () => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    await watched.tick()
    const before = await watched.hooks()
    const moved = api.runtime.config.functionsUrl.replace('127.0.0.1', 'localhost')
    Object.assign(api.runtime.config, { functionsUrl: moved })
    await lookNow(watched)
    const after = await watched.hooks()
    expect(after.map(({ plan_key }) => plan_key)).toEqual(before.map(({ plan_key }) => plan_key))
    expect(idsOf(after).filter((id) => idsOf(before).includes(id))).toEqual([])
    expect([...(await sql`select distinct functions_url from patchbay.webhooks`)]).toEqual([{ functions_url: moved }])
    await lookNow(watched)
    expect(idsOf(await watched.hooks())).toEqual(idsOf(after))
  })

  it('has none while it is paused, and all again when it goes on', async () => {
    await using watched = await startWatched(type)
    const { sql } = watched
    await watched.tick()
    const before = await watched.hooks()
    await sql`update public.endpoints set enabled = false`
    await passMinute(watched)
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    await sql`update public.endpoints set enabled = true`
    await passMinute(watched)
    await watched.tick()
    expect((await watched.hooks()).map(({ plan_key }) => plan_key)).toEqual(before.map(({ plan_key }) => plan_key))
  })

  it('follows its configuration', async () => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    await watched.tick()
    const [account] = await api.sandbox.control(type.provider).accounts()
    const other = await api.sandbox.files(type.endpointType).createTree(account!.name, 'Other plans')
    await sql`update public.endpoints set endpoint_config = ${sql.json(other.config as never)}`
    // As when an owner changes what is read: everything is read anew.
    await sql`update patchbay.sync_state set cursor = null`
    await sql`update public.endpoints set next_sync_at = now()`
    await passMinute(watched)
    await watched.tick()
    await watched.addFile('new.pdf', other.rootId)
    expect(await watched.files()).toEqual(['new.pdf'])
    expect(statesOf(await watched.hooks())).toEqual(['active'])
  })

  it('loses them with its connection, and gets them back with it', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await disconnect(watched)
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    const [account] = await watched.api.sandbox.control(type.provider).accounts()
    await watched.api.connect(watched.user, type.provider, { account: account!.name })
    await watched.tick()
    expect(statesOf(await watched.hooks())).toEqual(['active'])
  })

  it('leaves nothing behind when its user is deleted', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.addFile('new.pdf')
    await watched.sql`delete from auth.users`
    expect(await traces(watched)).toMatchObject({ events: 0, targets: 0, watches: 0 })
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    expect(await watched.sql`select name from pgboss.job where state < 'completed'`).toHaveLength(0)
  })

  it('keeps the secret of a hook from the database and the log', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.addFile('new.pdf')
    const rows = await watched.sql<{ row: string }[]>`
      select w::text as row from patchbay.webhooks w union all select e::text from patchbay.webhook_events e`
    const shown = [watched.api.runtime.logged(), ...rows.map(({ row }) => row)].join('\n')
    for (const secret of Object.values(await hookSecrets(watched))) expect(shown).not.toContain(secret)
  })
})

describe('hooks', () => {
  // One kind is enough here, and faults need a path.
  const type = { endpointType: 'google_drive', provider: 'google-drive' }
  const watchPath = '/drive/v3/changes/watch'
  const stopPath = '/drive/v3/channels/stop'
  /** Pauses of the provider's are none. */
  const hasty = { sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, Math.min(ms, 20))) }

  it.each([
    ['forbids it', { type: 'forbidden' }, 'provider_forbidden'],
    ['does not know the token', { type: 'unauthorized' }, 'provider_unauthorized'],
    ['is down', { type: 'server-error', status: 503 }, 'provider_unavailable'],
    ['does not answer', { type: 'lost-response' }, 'provider_unreachable'],
  ] as const)('that cannot be made disturb no sync, and are tried again: the provider %s', async (_what, fault, code) => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    await api.sandbox.files(type.endpointType).addFiles(watched.rootId, [{ name: 'a.pdf' }])
    await api.sandbox.addFault({ match: { path: watchPath }, fault, times: 'always' })
    await watched.tick()
    expect(await watched.files()).toEqual(['a.pdf'])
    expect(await watched.hooks()).toMatchObject([{ state: 'failed', last_error_code: code }])
    expect(await watchOf(watched)).toMatchObject({ failures: 1, last_error_code: code })
    expect([...(await sql`select status from public.integrations`)]).toEqual([{ status: 'connected' }])

    await lookNow(watched)
    const { failures, dueInMs } = await watchOf(watched)
    expect(failures).toBe(2)
    expect(dueInMs).toBeGreaterThan(100_000)
    expect(dueInMs).toBeLessThanOrEqual(120_000)

    await api.sandbox.clearFaults()
    await lookNow(watched)
    expect(statesOf(await watched.hooks())).toEqual(['active'])
    expect(await watchOf(watched)).toMatchObject({ failures: 0, last_error_code: null })
  })

  it('are tried again once a day at least', async () => {
    await using watched = await startWatched(type)
    await watched.api.sandbox.addFault({ match: { path: watchPath }, fault: { type: 'forbidden' }, times: 'always' })
    await watched.sql`update patchbay.watches set failures = 100`
    await watched.tick()
    expect((await watchOf(watched)).dueInMs).toBeLessThanOrEqual(day)
    expect((await watchOf(watched)).dueInMs).toBeGreaterThan(day - 60_000)
  })

  it('are made nowhere, and stopped everywhere, where the operator has turned them off', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    expect(await watched.hooks()).toHaveLength(1)
    Object.assign(watched.api.runtime.config, { webhooks: false })
    await lookNow(watched)
    expect(await watched.hooks()).toEqual([])
    await lookNow(watched)
    expect(await watched.hooks()).toEqual([])
  })

  it('of the app itself are stopped at the provider also when the account was disconnected', async () => {
    await using watched = await startWatched({ endpointType: 'autodesk_construction_cloud', provider: 'autodesk' })
    await watched.tick()
    await disconnect(watched)
    await watched.tick()
    await watched.api.sandbox.deliveries.settled()
    const before = (await watched.api.sandbox.deliveries.list()).length
    await watched.addFile('new.pdf')
    expect(await watched.api.sandbox.deliveries.list()).toHaveLength(before)
  })

  it.each([
    ['its user', 'delete from auth.users'],
    ['its integration', 'delete from public.integrations'],
  ])('of the app itself are stopped at the provider also when %s is deleted', async (_what, deletion) => {
    await using watched = await startWatched({ endpointType: 'autodesk_construction_cloud', provider: 'autodesk' })
    const { api, sql } = watched
    await watched.tick()
    const made = (await watched.hooks()).length
    expect(made).toBeGreaterThan(0)
    await sql.unsafe(deletion)
    expect(statesOf(await watched.hooks())).toEqual(['replaced'])
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    const stopped = (await api.sandbox.requests()).filter(({ method }) => method === 'DELETE')
    expect(stopped.map(({ status }) => status)).toEqual(Array.from({ length: made }, () => 204))
  })

  it("of one of the further apps are stopped with that one's token, also when its integration is deleted", async () => {
    await using watched = await startWatched({ endpointType: 'autodesk_construction_cloud', provider: 'autodesk' })
    const { api, sql } = watched
    await watched.tick()
    await sql`update patchbay.webhooks set client_id = 'another-app'`
    await sql`delete from public.integrations`
    await watched.tick()
    // It has no secret here.
    expect((await api.sandbox.requests()).filter(({ method }) => method === 'DELETE')).toEqual([])
    expect(api.runtime.logged()).toContain('another-app')
  })

  it('of an account are forgotten when its integration is deleted', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.sql`delete from public.integrations`
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    expect((await watched.api.sandbox.requests()).filter(({ path }) => path === stopPath)).toEqual([])
    expect(watched.api.runtime.logged()).not.toContain('could not be stopped')
  })

  it('are looked at once a minute at most, however often their owner changes the endpoint', async () => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    await watched.tick()
    for (const enabled of [false, true, false, true, false]) {
      await sql`update public.endpoints set enabled = ${enabled}`
      await watched.tick()
    }
    expect((await api.sandbox.requests()).filter(({ path }) => path === watchPath)).toHaveLength(1)
    expect((await watchOf(watched)).dueInMs).toBeGreaterThan(50_000)
    expect((await watchOf(watched)).dueInMs).toBeLessThanOrEqual(60_000)
    // Only later: the last wish counts.
    await passMinute(watched)
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
  })

  it('are looked at again for a change that comes during the look', async () => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    const send = api.runtime.fetch
    api.runtime.fetch = async (url, init) => {
      const answer = await send(url, init)
      if (typeof url === 'string' && url.includes(watchPath)) await sql`update public.endpoints set enabled = false`
      return answer
    }
    await watched.tick()
    expect((await watchOf(watched)).dueInMs).toBeLessThanOrEqual(60_000)
    await passMinute(watched)
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
  })

  it.each(['project', 'folder'])('of the app itself are made for no %s that the account may not read', async (what) => {
    await using watched = await startWatched({ endpointType: 'autodesk_construction_cloud', provider: 'autodesk' })
    const { sql, api } = watched
    await watched.tick()
    const before = idsOf(await watched.hooks())
    const stranger = (await api.sandbox.control('autodesk').accounts()).at(-1)
    const theirs = await api.sandbox.files('autodesk_construction_cloud').createTree(stranger!.name, 'Not yours')
    const config = { ...theirs.config, region: 'EMEA', ...(what === 'folder' && { folder_id: theirs.rootId }) }
    await sql`update public.endpoints set endpoint_config = ${sql.json(config)}`
    await passMinute(watched)
    await watched.tick()
    expect(idsOf(await watched.hooks())).toEqual(before)
    expect(await watchOf(watched)).toMatchObject({
      failures: 1,
      last_error_code: expect.stringMatching(/^provider_(forbidden|not_found)$/),
    })
  })

  it('that nobody wants any more when the provider answers are stopped at once', async () => {
    await using watched = await startWatched(type)
    const { sql, api } = watched
    const send = api.runtime.fetch
    api.runtime.fetch = async (url, init) => {
      const answer = await send(url, init)
      if (typeof url === 'string' && url.includes(watchPath)) {
        await sql`delete from public.endpoints`
        await sql`delete from patchbay.webhooks`
      }
      return answer
    }
    await watched.tick()
    expect((await api.sandbox.requests()).filter(({ path }) => path === stopPath)).toMatchObject([{ status: 204 }])
  })

  it('that an interrupted attempt left half made are made anew', async () => {
    await using watched = await startWatched(type)
    const { sql } = watched
    await watched.tick()
    const [first] = await watched.hooks()
    await sql`update patchbay.webhooks set state = 'creating', external = null, expires_at = null, renew_due_at = null`
    await lookNow(watched)
    const hooks = await watched.hooks()
    expect(statesOf(hooks)).toEqual(['active'])
    expect(idsOf(hooks)).not.toContain(first!.id)
  })

  it('that are there twice become one', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.sql`
      insert into patchbay.webhooks
      select (jsonb_populate_record(w, jsonb_build_object('id', gen_random_uuid(), 'created_at', now() - interval '1 hour'))).*
      from patchbay.webhooks w`
    await lookNow(watched)
    expect(await watched.hooks()).toHaveLength(1)
  })

  it('are asked to stop again when the provider is down', async () => {
    await using watched = await startWatched(type, hasty)
    await watched.tick()
    await watched.api.sandbox.addFault({ match: { path: stopPath }, fault: { type: 'server-error', status: 503 }, times: 1 })
    await watched.sql`delete from public.endpoints`
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
    expect((await watched.api.sandbox.requests()).filter(({ path }) => path === stopPath).map(({ status }) => status)).toEqual([
      503, 204,
    ])
  })

  it('that the provider does not know any more are stopped already', async () => {
    await using watched = await startWatched(type)
    await watched.tick()
    await watched.api.sandbox.addFault({ match: { path: stopPath }, fault: { type: 'not-found' } })
    await watched.sql`delete from public.endpoints`
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
  })

  it('that cannot be stopped for a day are left to expire', async () => {
    await using watched = await startWatched(type, hasty)
    await watched.tick()
    const fault = { type: 'server-error', status: 503 } as const
    await watched.api.sandbox.addFault({ match: { path: stopPath }, fault, times: 'always' })
    await watched.sql`delete from public.endpoints`
    await watched.sql`update patchbay.webhooks set replaced_at = now() - interval '25 hours'`
    await watched.tick()
    expect(await watched.hooks()).toEqual([])
  })

  it('wait for their owner where only that one can mend the connection', async () => {
    await using watched = await startWatched(type)
    const { sql } = watched
    await watched.tick()
    await sql`update public.integrations set status = 'needs_reauth'`
    await sql`update patchbay.webhooks set renew_due_at = now()`
    await lookNow(watched)
    expect(statesOf(await watched.hooks())).toEqual(['active'])
    expect((await watchOf(watched)).dueInMs).toBe(Number.POSITIVE_INFINITY)
    await sql`update public.integrations set status = 'connected'`
    const [before] = await watched.hooks()
    await watched.tick()
    expect(idsOf(await watched.hooks())).not.toContain(before!.id)
  })
})

function statesOf(hooks: readonly Hook[]): string[] {
  return [...new Set(hooks.map(({ state }) => state))]
}

function idsOf(hooks: readonly Hook[]): string[] {
  return hooks.map(({ id }) => id)
}

/** The watch comes due, whatever it waits for. */
async function lookNow(watched: Watched): Promise<void> {
  await watched.sql`update patchbay.watches set due_at = now()`
  await watched.tick()
}

/** Since the last look at the hooks. */
async function passMinute({ sql }: Watched): Promise<void> {
  await sql`
    update patchbay.watches set due_at = due_at - interval '1 minute', looked_at = looked_at - interval '1 minute'`
}

async function watchOf({ sql }: Watched): Promise<{ failures: number; last_error_code: string | null; dueInMs: number }> {
  const [row] = await sql<[{ failures: number; last_error_code: string | null; ms: number }]>`
    select failures, last_error_code, case when due_at = 'infinity' then 'Infinity' else extract(epoch from due_at - clock_timestamp())::float * 1000 end as ms
    from patchbay.watches`
  return { failures: row.failures, last_error_code: row.last_error_code, dueInMs: row.ms }
}

async function scheduleOf({ sql }: Watched): Promise<{ nextSyncAt: number }> {
  const [row] = await sql<[{ at: Date }]>`select next_sync_at as at from public.endpoints`
  return { nextSyncAt: row.at.getTime() }
}

async function traces({ sql }: Watched): Promise<unknown> {
  const [row] = await sql`
    select
      (select count(*)::int from patchbay.webhook_events) as events,
      (select count(*)::int from patchbay.targets) as targets,
      (select count(*)::int from pgboss.job where name in ('process-webhooks', 'sync')) as jobs,
      (select count(*)::int from patchbay.webhooks) as hooks,
      (select count(*)::int from patchbay.watches) as watches`
  return row
}

async function refusedDeliveries({ api }: Watched): Promise<unknown[]> {
  return (await api.sandbox.deliveries.list()).filter(({ statuses }) => statuses.some((status) => status !== 200))
}
