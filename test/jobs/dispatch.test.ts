import { describe, expect, it } from 'vitest'
import { createJobQueue, type JobQueue } from '../../src/shared/jobs/queue.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { createTestEndpoint, type TestEndpoint } from '../sync/support.ts'

describe('the tick', () => {
  it('queues one job for a due endpoint, however often it comes', async () => {
    await using endpoint = await createTestEndpoint()
    await Promise.all([dispatch(endpoint.sql), dispatch(endpoint.sql), dispatch(endpoint.sql)])
    await wishNow(endpoint)
    await dispatch(endpoint.sql)
    expect(await jobs(endpoint)).toEqual([{ name: 'sync', data: { endpoint_id: endpoint.endpointId }, policy: 'exclusive' }])
  })

  it('remembers a wish to sync that came while a job was live', async () => {
    await using endpoint = await createTestEndpoint()
    await using queue = openQueue(endpoint)
    await dispatch(endpoint.sql)
    const [job] = await queue.fetch('sync', 1)
    await wishNow(endpoint)
    await dispatch(endpoint.sql)
    await queue.complete(job!)
    await dispatch(endpoint.sql)
    expect(await queue.fetch('sync', 1)).toHaveLength(1)
  })

  it('leaves alone what is paused, not due, or without an account', async () => {
    await using endpoint = await createTestEndpoint()
    await endpoint.sql`update public.endpoints set enabled = false`
    await dispatch(endpoint.sql)
    await endpoint.sql`update public.endpoints set enabled = true, next_sync_at = now() + interval '1 minute'`
    await dispatch(endpoint.sql)
    await endpoint.sql`update public.endpoints set integration_id = null`
    await endpoint.sql`delete from public.integrations`
    await dispatch(endpoint.sql)
    expect(await jobs(endpoint)).toEqual([])
  })

  it('queues the refresh of a token that is about to expire', async () => {
    await using endpoint = await createTestEndpoint()
    await endpoint.sql`update public.endpoints set enabled = false`
    await storeSecret(endpoint, "now() + interval '1 minute'")
    await dispatch(endpoint.sql)
    expect(await jobs(endpoint)).toEqual([])
    await endpoint.sql`update patchbay.secrets set refresh_due_at = now()`
    await dispatch(endpoint.sql)
    await dispatch(endpoint.sql)
    expect(await jobs(endpoint)).toEqual([
      { name: 'refresh-token', data: { integration_id: endpoint.integrationId }, policy: 'exclusive' },
    ])
  })

  it('wakes the worker function with the secret from Vault, and only when there is something to do', async () => {
    await using endpoint = await createTestEndpoint()
    await endpoint.sql`select vault.create_secret('http://functions.example/v1', 'patchbay_functions_url')`
    await endpoint.sql`select vault.create_secret('s3cret', 'patchbay_worker_secret')`
    await endpoint.sql`update public.endpoints set enabled = false`
    await dispatch(endpoint.sql)
    expect(await wakes(endpoint)).toEqual([])
    await endpoint.sql`update public.endpoints set enabled = true`
    await dispatch(endpoint.sql)
    expect(await wakes(endpoint)).toEqual([{ url: 'http://functions.example/v1/worker', authorization: 'Bearer s3cret' }])
  })

  it('reads the due endpoints by an index', async () => {
    await using endpoint = await createTestEndpoint()
    const { sql } = endpoint
    await sql`
      insert into public.endpoints (name, endpoint_type, project_id, user_id, next_sync_at)
      select 'many', 'google_drive', 'p', ${endpoint.userId}::uuid, now() + interval '1 day' from generate_series(1, 5000)`
    // Not ours to analyze by hand in production; autovacuum does it there.
    await sql`analyze public.endpoints`
    const plan = await sql`
      explain select id from public.endpoints where enabled and integration_id is not null and next_sync_at <= now() order by next_sync_at limit 1000 for update skip locked`
    expect(JSON.stringify(plan)).toContain('endpoints_next_sync_at_idx')
  })
})

describe('the queue', () => {
  it('takes a job back from a worker that has died, and fences that worker out', async () => {
    await using endpoint = await createTestEndpoint()
    const { sql } = endpoint
    await using queue = openQueue(endpoint)
    await sql`update pgboss.queue set retry_delay = 0`
    await dispatch(sql)
    const [dead] = await queue.fetch('sync', 1)
    await sql`update pgboss.job set heartbeat_on = now() - interval '1 minute'`
    await queue.supervise()
    const [alive] = await queue.fetch('sync', 1)
    expect(alive).toMatchObject({ id: dead!.id, retryCount: dead!.retryCount + 1 })

    await queue.complete(dead!)
    expect(await sql`select state::text from pgboss.job`).toEqual([{ state: 'active' }])
    await queue.complete(alive!)
    expect(await sql`select state::text from pgboss.job`).toEqual([{ state: 'completed' }])
  })

  it('keeps the job of a worker whose heartbeat arrives', async () => {
    await using endpoint = await createTestEndpoint()
    const { sql } = endpoint
    await using queue = openQueue(endpoint)
    await dispatch(sql)
    const jobs = await queue.fetch('sync', 1)
    await sql`update pgboss.job set heartbeat_on = now() - interval '1 minute'`
    await queue.touch(jobs)
    await queue.supervise()
    expect(await queue.fetch('sync', 1)).toEqual([])
  })
})

function openQueue(endpoint: TestEndpoint): JobQueue & AsyncDisposable {
  const queue = createJobQueue(endpoint.url)
  return { ...queue, [Symbol.asyncDispose]: queue.close }
}

async function wishNow(endpoint: TestEndpoint): Promise<void> {
  await endpoint.sql`update public.endpoints set next_sync_at = now()`
}

function jobs({ sql }: TestEndpoint): Promise<unknown[]> {
  return sql`select name, data, policy from pgboss.job order by created_on`.then((rows) => [...rows])
}

function wakes({ sql }: TestEndpoint): Promise<unknown[]> {
  return sql`select url, headers ->> 'Authorization' as authorization from net.http_request_queue`.then((rows) => [...rows])
}

async function storeSecret({ sql, integrationId }: TestEndpoint, due: string): Promise<void> {
  await sql.unsafe(`
    insert into patchbay.secrets (integration_id, access_token_jwe, refresh_due_at)
    values ('${integrationId}', 'eyJ..aXY.Y3Q.dGFn', ${due})`)
}
