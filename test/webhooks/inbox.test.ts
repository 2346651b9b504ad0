import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { createJobQueue } from '../../src/shared/jobs/queue.ts'
import { processWebhooks, receiveWebhook } from '../../src/shared/webhooks/webhook-store.ts'
import type { WebhookEvent } from '../../src/shared/sync/stream.ts'
import { createTestEndpoint, type TestEndpoint } from '../sync/support.ts'

const changes: WebhookEvent = { key: 'c1', type: 'change', about: 'changes' }
const targets = (key: string, ...ids: string[]): WebhookEvent => ({ key, type: 'moved', about: { targets: ids } })

describe('what was delivered', () => {
  it('makes the endpoint due when its change feed has moved', async () => {
    await using endpoint = await createWatchedEndpoint()
    await receiveWebhook(endpoint.sql, endpoint.hookId, changes)
    expect(await processWebhooks(endpoint.sql, endpoint.endpointId)).toBe(true)
    expect(await stateOf(endpoint)).toEqual({ due: true, targets: [], unprocessed: 0 })
  })

  it('names the items to fetch, each once, and leaves the schedule alone', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    await receiveWebhook(sql, hookId, targets('a', 'one', 'two,"and" {more}'))
    await receiveWebhook(sql, hookId, targets('b', 'two,"and" {more}', 'three'))
    expect(await processWebhooks(sql, endpointId)).toBe(true)
    expect(await stateOf(endpoint)).toEqual({ due: false, targets: ['one', 'three', 'two,"and" {more}'], unprocessed: 0 })
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'sync')).toEqual([{ data: { endpoint_id: endpointId, targets_only: true } }])
  })

  it('is nothing to do for a greeting', async () => {
    await using endpoint = await createWatchedEndpoint()
    await receiveWebhook(endpoint.sql, endpoint.hookId, { key: 'hello', type: 'sync', about: 'nothing' })
    expect(await jobsOf(endpoint, 'process-webhooks')).toEqual([])
    expect(await stateOf(endpoint)).toEqual({ due: false, targets: [], unprocessed: 0 })
  })

  it('is taken once, however often it comes and however many come at once', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId } = endpoint
    const results = await Promise.all(Array.from({ length: 30 }, () => receiveWebhook(sql, hookId, changes)))
    expect(results.toSorted()).toEqual(['fresh', ...Array.from({ length: 29 }, () => 'replay')])
    expect(await jobsOf(endpoint, 'process-webhooks')).toHaveLength(1)
  })

  it('of one hook is not what another hook delivers', async () => {
    await using endpoint = await createWatchedEndpoint()
    const another = await addHook(endpoint)
    expect(await receiveWebhook(endpoint.sql, endpoint.hookId, changes)).toBe('fresh')
    expect(await receiveWebhook(endpoint.sql, another, changes)).toBe('fresh')
  })

  it('changes nothing of an endpoint that is paused, or has no account', async () => {
    for (const change of ['enabled = false', 'integration_id = null']) {
      await using endpoint = await createWatchedEndpoint()
      const { sql, hookId, endpointId } = endpoint
      await receiveWebhook(sql, hookId, changes)
      await receiveWebhook(sql, hookId, targets('t', 'one'))
      await sql.unsafe(`update public.endpoints set ${change}`)
      expect(await processWebhooks(sql, endpointId)).toBe(false)
      expect(await stateOf(endpoint), change).toEqual({ due: false, targets: [], unprocessed: 0 })
    }
  })

  it('waits with an endpoint that backs off, and is fetched with its next run', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    await sql`update public.endpoints set consecutive_failures = 3`
    await receiveWebhook(sql, hookId, changes)
    await receiveWebhook(sql, hookId, targets('t', 'one'))
    expect(await processWebhooks(sql, endpointId)).toBe(false)
    expect(await stateOf(endpoint)).toEqual({ due: false, targets: ['one'], unprocessed: 0 })
    const [row] = await sql`select t.due_at = e.next_sync_at as later from patchbay.targets t join public.endpoints e on true`
    expect(row).toEqual({ later: true })
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'sync')).toEqual([])
  })

  it('does not wake an endpoint that waits for its account to be connected again', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    await sql`update public.endpoints set next_sync_at = 'infinity'`
    await receiveWebhook(sql, hookId, changes)
    await processWebhooks(sql, endpointId)
    expect((await stateOf(endpoint)).due).toBe(false)
  })

  it('is worked off in portions, each queueing the next', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    for (let n = 0; n < 5; n += 1) await receiveWebhook(sql, hookId, targets(`t${n}`, `item ${n}`))
    await sql`delete from pgboss.job`
    await sql`select patchbay.process_webhooks(${endpointId}::uuid, 2)`
    expect((await stateOf(endpoint)).unprocessed).toBe(3)
    expect(await jobsOf(endpoint, 'process-webhooks')).toHaveLength(1)
  })

  it('gets a job of its own when it comes while another job runs', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId } = endpoint
    const queue = createJobQueue(endpoint.url)
    await receiveWebhook(sql, hookId, changes)
    expect(await queue.fetch('process-webhooks', 1)).toHaveLength(1)
    await receiveWebhook(sql, hookId, { ...changes, key: 'c2' })
    await receiveWebhook(sql, hookId, { ...changes, key: 'c3' })
    expect(await queue.fetch('process-webhooks', 5)).toHaveLength(1)
    await queue.close()
  })

  it('is found by the tick when its job was lost', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId } = endpoint
    await receiveWebhook(sql, hookId, changes)
    await sql`delete from pgboss.job`
    await dispatch(sql)
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'process-webhooks')).toHaveLength(1)
  })

  it('wakes the worker once for many', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId } = endpoint
    await sql`select vault.create_secret('http://functions.example/v1', 'patchbay_functions_url')`
    await sql`select vault.create_secret('s3cret', 'patchbay_worker_secret')`
    for (let n = 0; n < 10; n += 1) await receiveWebhook(sql, hookId, { ...changes, key: `c${n}` })
    expect(await sql`select from net.http_request_queue`).toHaveLength(1)
  })

  it('outlives the hook that it came through', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    await receiveWebhook(sql, hookId, changes)
    await sql`delete from patchbay.webhooks`
    expect(await processWebhooks(sql, endpointId)).toBe(true)
  })

  it('is nothing any more once the endpoint is gone', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId, endpointId } = endpoint
    await receiveWebhook(sql, hookId, changes)
    await sql`delete from public.endpoints`
    expect(await receiveWebhook(sql, hookId, { ...changes, key: 'c2' })).toBe('unwatched')
    expect(await receiveWebhook(sql, randomUUID(), changes)).toBe('unwatched')
    expect(await processWebhooks(sql, endpointId)).toBe(false)
    expect(await sql`select from patchbay.webhook_events`).toHaveLength(0)
  })

  it('is forgotten after a week, a portion at a time', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, hookId } = endpoint
    for (let n = 0; n < 5; n += 1) await receiveWebhook(sql, hookId, { ...changes, key: `c${n}` })
    await sql`update patchbay.webhook_events set received_at = now() - interval '8 days' where event_key <> 'c4'`
    const prune = async () => (await sql<[{ n: number }]>`select patchbay.prune_webhook_events(3) as n`)[0].n
    expect([await prune(), await prune(), await prune()]).toEqual([3, 1, 0])
    expect([...(await sql`select event_key from patchbay.webhook_events`)]).toEqual([{ event_key: 'c4' }])
  })
})

describe('the tick', () => {
  it('looks at the hooks of a new endpoint, and of one whose account, configuration or pause changes, and of no other', async () => {
    await using endpoint = await createTestEndpoint({ webhooks: true })
    const { sql, endpointId } = endpoint
    const looked = async () => {
      await dispatch(sql)
      const jobs = await jobsOf(endpoint, 'watch-endpoint')
      await sql`delete from pgboss.job`
      return jobs
    }
    const job = [{ data: { endpoint_id: endpointId } }]
    expect(await looked()).toEqual(job)
    expect(await looked()).toEqual([])
    for (const change of [
      'enabled = false',
      'enabled = true',
      `endpoint_config = '{"folder_id": "f"}'`,
      'integration_id = null',
    ]) {
      await sql.unsafe(`update public.endpoints set ${change}`)
      expect(await looked(), change).toEqual(job)
    }
    for (const change of ['next_sync_at = now()', `name = 'Other'`, 'enabled = enabled', `last_sync_status = 'completed'`]) {
      await sql.unsafe(`update public.endpoints set ${change}`)
      expect(await looked(), change).toEqual([])
    }
  })

  it('looks again when a wish comes while a job looks, and when a job was lost', async () => {
    await using endpoint = await createTestEndpoint({ webhooks: true })
    const { sql, endpointId } = endpoint
    await dispatch(sql)
    await sql`select patchbay.begin_watch(${endpointId}::uuid)`
    await sql`update public.endpoints set endpoint_config = '{"folder_id": "f"}'`
    await sql`select patchbay.finish_watch(${endpointId}::uuid, false, null, interval '0')`
    await sql`delete from pgboss.job`
    await sql`update patchbay.watches set due_at = due_at - interval '1 minute'`
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'watch-endpoint')).toHaveLength(1)

    await sql`delete from pgboss.job`
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'watch-endpoint')).toHaveLength(0)
    await sql`update patchbay.watches set due_at = due_at - interval '15 minutes'`
    await dispatch(sql)
    expect(await jobsOf(endpoint, 'watch-endpoint')).toHaveLength(1)
  })

  it('reads what is due by an index, however much there is', async () => {
    await using endpoint = await createWatchedEndpoint()
    const { sql, userId, hookId, endpointId } = endpoint
    await sql`
      insert into public.endpoints (name, endpoint_type, project_id, user_id)
      select 'many', 'google_drive', 'p', ${userId}::uuid from generate_series(1, 3000)`
    await sql`update patchbay.watches set due_at = now() + interval '1 day'`
    await sql`
      insert into patchbay.webhook_events (webhook_id, endpoint_id, event_key, type, changes, targets, processed_at)
      select ${hookId}::uuid, ${endpointId}::uuid, n::text, 'change', true, '{}', now() from generate_series(1, 5000) n`
    await sql`
      insert into patchbay.webhooks (id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe)
      select gen_random_uuid(), endpoint_id, integration_id, provider, endpoint_type, endpoint_config, n::text, params, functions_url, secret_jwe
      from patchbay.webhooks, generate_series(1, 3000) n`
    await sql.unsafe('analyze patchbay.watches; analyze patchbay.webhook_events; analyze patchbay.webhooks')
    // The statements of patchbay.enqueue_webhooks, process_webhooks and prune_webhook_events.
    const plans: [string, string][] = [
      ['select endpoint_id from patchbay.watches where due_at <= now() order by due_at limit 1000', 'watches_due_at_idx'],
      ['select id from patchbay.webhooks where stop_due_at <= now() order by stop_due_at limit 1000', 'webhooks_stop_due_at_idx'],
      [
        `select distinct endpoint_id from patchbay.webhook_events where processed_at is null limit 1000`,
        'webhook_events_unprocessed_idx',
      ],
      [
        `select id from patchbay.webhook_events where endpoint_id = '${endpointId}' and processed_at is null order by id limit 1000`,
        'webhook_events_unprocessed_idx',
      ],
      [
        `select id from patchbay.webhook_events where received_at < now() - interval '7 days' order by received_at limit 1000`,
        'webhook_events_received_at_idx',
      ],
    ]
    for (const [query, index] of plans) expect(JSON.stringify(await sql.unsafe(`explain ${query}`)), query).toContain(index)
  })
})

interface WatchedEndpoint extends TestEndpoint {
  hookId: string
}

/** An endpoint that is not due, with a hook. */
async function createWatchedEndpoint(): Promise<WatchedEndpoint> {
  const endpoint = await createTestEndpoint({ webhooks: true })
  await endpoint.sql`update public.endpoints set next_sync_at = now() + interval '1 hour'`
  await endpoint.sql`update patchbay.watches set due_at = 'infinity'`
  return { ...endpoint, hookId: await addHook(endpoint) }
}

async function addHook({ sql, endpointId, integrationId }: TestEndpoint): Promise<string> {
  const id = randomUUID()
  await sql`
    insert into patchbay.webhooks (
      id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, external, secret_jwe, state,
      expires_at, renew_due_at
    ) values (
      ${id}::uuid, ${endpointId}::uuid, ${integrationId}::uuid, 'google-drive', 'google_drive', '{}', 'account', '{}', '', '{}',
      'e30..aXY.Y2lwaGVy.dGFn', 'active', now() + interval '4 days', now() + interval '3 days'
    )`
  return id
}

async function stateOf({ sql }: TestEndpoint): Promise<{ due: boolean; targets: string[]; unprocessed: number }> {
  const [row] = await sql<[{ due: boolean; targets: string[]; unprocessed: number }]>`
    select (select next_sync_at <= now() from public.endpoints) as due,
      (select coalesce(jsonb_agg(external_id order by external_id collate "C"), '[]') from patchbay.targets) as targets,
      (select count(*)::int from patchbay.webhook_events where processed_at is null) as unprocessed`
  return row
}

async function jobsOf({ sql }: TestEndpoint, queue: string): Promise<unknown[]> {
  return [...(await sql`select data from pgboss.job where name = ${queue} and state < 'active' order by created_on`)]
}
