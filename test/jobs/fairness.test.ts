import postgres, { type Sql } from 'postgres'
import { describe, expect, it } from 'vitest'
import { dispatch, enqueueDue } from '../../src/shared/db/sync-store.ts'
import { createJobQueue, type Job, type JobQueue } from '../../src/shared/jobs/queue.ts'
import { take } from '../../src/shared/jobs/take.ts'
import { addUser } from '../db/rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('the tick', () => {
  it("queues another user's endpoint at once, and a worker takes it next, whatever 10,000 of one user wait", async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    const busy = await addEndpoints(db, 10_000, '1 hour')
    await dispatch(db.sql)
    const [first] = await queue.fetch('sync', 1)
    expect(first?.group).toBe(busy)

    // Due for a second only, behind thousands that have been for an hour.
    const other = await addEndpoints(db, 1, '1 second')
    await dispatch(db.sql)
    expect(await groups(queue, 2)).toEqual([other, busy])
  })

  it('takes everybody’s first before anybody’s second', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    const users = [await addEndpoints(db, 3, '3 hours'), await addEndpoints(db, 2, '2 hours'), await addEndpoints(db, 1)]
    await dispatch(db.sql)
    const [three, two, one] = users
    expect(await groups(queue, 6)).toEqual([three, two, one, three, two, three])
  })

  it('queues users in turn also where a tick is full', async () => {
    await using db = await createTestDatabase()
    const many = await addEndpoints(db, 50, '1 hour')
    const few = await addEndpoints(db, 5)
    await db.sql`select patchbay.enqueue_due(10)`
    expect(await counts(db.sql)).toEqual({ [many]: 5, [few]: 5 })
    await db.sql`select patchbay.enqueue_due(10)`
    expect(await counts(db.sql)).toEqual({ [many]: 15, [few]: 5 })
  })

  it('counts what a user has queued already, and what runs', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    const user = await addEndpoints(db, 2)
    await dispatch(db.sql)
    await queue.fetch('sync', 1)
    await addEndpoints(db, 1, '1 day', user)
    await dispatch(db.sql)
    const rows = await db.sql<{ priority: number }[]>`select priority from pgboss.job where name = 'sync' order by 1 desc`
    expect(rows.map(({ priority }) => priority)).toEqual([-1, -2, -3])
  })

  it('leaves a due endpoint with a live job alone, and it takes nobody’s place', async () => {
    await using db = await createTestDatabase()
    await addEndpoints(db, 3)
    await dispatch(db.sql)
    await db.sql`update public.endpoints set next_sync_at = now() - interval '1 day'`
    const other = await addEndpoints(db, 8)
    await db.sql`select patchbay.enqueue_due(6)`
    expect((await counts(db.sql))[other]).toBe(6)
    // A wish that came while its job is live is still one.
    expect(await db.sql`select from public.endpoints where next_sync_at < now() - interval '1 hour'`).toHaveLength(3)
  })

  it('may run several times at once, and queues each endpoint once', async () => {
    await using db = await createTestDatabase()
    const user = await addEndpoints(db, 2000)
    await Promise.all([1, 2, 3, 4].map(() => enqueueDue(db.sql)))
    await enqueueDue(db.sql)
    expect(await counts(db.sql)).toEqual({ [user]: 2000 })
  })

  it('queues a run for single items, for these alone, and only while none is live', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    await addEndpoints(db, 1)
    await db.sql`update public.endpoints set next_sync_at = now() + interval '1 hour'`
    const due = async () => (await db.sql`select next_sync_at from public.endpoints`)[0]
    const [endpoint] = await db.sql<[{ id: string }]>`select id from public.endpoints`
    await db.sql`select patchbay.add_targets(${endpoint.id}, array['a', 'b'])`
    const before = await due()
    await dispatch(db.sql)
    const [job, ...more] = await queue.fetch('sync', 9)
    expect(job?.data).toEqual({ endpoint_id: endpoint.id, targets_only: true })
    expect(more).toEqual([])
    // The schedule is left alone.
    expect(await due()).toEqual(before)
    await dispatch(db.sql)
    expect(await queue.fetch('sync', 9)).toEqual([])

    // A run of the schedule fetches them as well.
    await queue.complete(job!)
    await db.sql`update public.endpoints set next_sync_at = now()`
    await dispatch(db.sql)
    expect((await queue.fetch('sync', 9)).map(({ data }) => data)).toEqual([{ endpoint_id: endpoint.id }])
  })

  it('waits with single items of an endpoint that is paused, or whose runs fail', async () => {
    await using db = await createTestDatabase()
    await addEndpoints(db, 1)
    await db.sql`update public.endpoints set next_sync_at = 'infinity', enabled = false`
    await db.sql`select patchbay.add_targets(id, array['a']) from public.endpoints`
    await dispatch(db.sql)
    await db.sql`update public.endpoints set enabled = true`
    await db.sql`update patchbay.targets set due_at = now() + interval '1 minute'`
    await dispatch(db.sql)
    expect(await counts(db.sql)).toEqual({})
  })
})

describe('a worker', () => {
  it('leaves a fifth of its places to other users', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    const busy = await addEndpoints(db, 30, '1 hour')
    await enqueueDue(db.sql)
    const inHand = await takeAll(queue, 10, [], 0)
    expect(inHand.map(({ group }) => group)).toEqual(Array.from({ length: 8 }, () => busy))
    expect(await takeAll(queue, 10, inHand, 1)).toEqual([])

    const other = await addEndpoints(db, 9)
    await enqueueDue(db.sql)
    const more = await takeAll(queue, 10, inHand, 2)
    expect(more.map(({ group }) => group)).toEqual([other, other])
    // Both have room, one for a job: nobody gets two.
    expect(await takeAll(queue, 10, [...inHand.slice(1), ...more], 3)).toHaveLength(1)
  })

  it('has one place for everybody when it has one', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    await addEndpoints(db, 3)
    await enqueueDue(db.sql)
    expect(await takeAll(queue, 1, [], 0)).toHaveLength(1)
  })

  it('takes a token to refresh or to revoke while all places are taken by syncs', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    await addEndpoints(db, 1)
    await addEndpoints(db, 1)
    await enqueueDue(db.sql)
    const syncs = await takeAll(queue, 2, [], 0)
    expect(syncs).toHaveLength(2)
    await db.sql`select patchbay.enqueue('refresh-token', 'integration_id', array[gen_random_uuid()])`
    await db.sql`select patchbay.enqueue('revoke-token', 'revocation_id', array[gen_random_uuid()])`
    expect((await takeAll(queue, 2, syncs, 1)).map(({ name }) => name)).toEqual(['refresh-token', 'revoke-token'])
  })

  it('has in hand what it took before a queue could not be asked', async () => {
    await using db = await createTestDatabase()
    await using queue = openQueue(db)
    await db.sql`select patchbay.enqueue('stop-webhook', 'webhook_id', array[gen_random_uuid()])`
    const broken: JobQueue['fetch'] = (name, ...rest) =>
      name === 'sync' ? Promise.reject(new Error('The connection is gone.')) : queue.fetch(name, ...rest)
    const taken: string[] = []
    const taking = (async () => {
      for await (const jobs of take({ ...queue, fetch: broken }, 2, [], 0)) taken.push(...jobs.map(({ name }) => name))
    })()
    await expect(taking).rejects.toThrow('The connection is gone.')
    expect(taken).toEqual(['stop-webhook'])
  })
})

async function takeAll(...order: Parameters<typeof take>): Promise<Job[]> {
  const taken: Job[] = []
  for await (const jobs of take(...order)) taken.push(...jobs)
  return taken
}

/** Adds endpoints that have been due for so long, of a new user with an account. Gives the user. */
async function addEndpoints(db: TestDatabase, count: number, since = '1 minute', user?: string): Promise<string> {
  const userId = user ?? (await addUser(db.sql))
  if (user === undefined) {
    await db.sql`
      insert into public.integrations (user_id, provider, account_id, status)
      values (${userId}, 'google-drive', ${userId}, 'connected')`
  }
  // Without triggers: what else a new endpoint asks for is not of interest here.
  const admin = postgres(db.urlFor('supabase_admin'), { max: 1, connection: { session_replication_role: 'replica' } })
  await admin`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, integration_id, next_sync_at)
    select 'Test', 'google_drive', 'project', i.user_id, i.id, now() - ${since}::interval
    from public.integrations i, generate_series(1, ${count}::int)
    where i.user_id = ${userId}`
  await admin.end()
  return userId
}

async function groups(queue: JobQueue, count: number): Promise<(string | null)[]> {
  const taken: Job[] = []
  for (let index = 0; index < count; index += 1) taken.push(...(await queue.fetch('sync', 1)))
  return taken.map(({ group }) => group)
}

async function counts(sql: Sql): Promise<Record<string, number>> {
  const rows = await sql<{ group_id: string; jobs: number }[]>`
    select group_id, count(*)::int as jobs from pgboss.job where name = 'sync' group by group_id`
  return Object.fromEntries(rows.map((row) => [row.group_id, row.jobs]))
}

function openQueue({ url }: TestDatabase): JobQueue & AsyncDisposable {
  const queue = createJobQueue(url)
  return { ...queue, [Symbol.asyncDispose]: queue.close }
}
