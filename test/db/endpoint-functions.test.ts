import { randomUUID } from 'node:crypto'
import postgres, { type Sql, type TransactionSql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { type FinishedRun, claimRun, finishRun, mergePage } from '../../src/shared/db/sync-store.ts'
import { nextSyncAt, type Schedule } from '../../src/shared/sync/schedule.ts'
import { file, page } from '../sync/support.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { addEndpoint, addFile, addUser, connectAccount } from './rows.ts'

// The owner calls where the Data API does: logged in as authenticator, in the role and with the claims of a request.

const names = [
  'sync_endpoint',
  'pause_endpoint',
  'resume_endpoint',
  'cancel_sync',
  'resync_endpoint',
  'confirm_deletions',
] as const

type Name = (typeof names)[number]
type Row = Record<string, unknown>

let db: TestDatabase
let api: Sql
let sql: Sql
let anna: string
let bert: string
let id: string
let integrationId: string

beforeAll(async () => {
  db = await createTestDatabase()
  api = postgres(db.urlFor('authenticator'), { max: 2, onnotice: () => {} })
  sql = connect(db.url, 3)
})
beforeEach(async () => {
  ;[anna, bert] = [await addUser(db.sql), await addUser(db.sql)]
  integrationId = await connectAccount(db.sql, anna)
  id = await addEndpoint(db.sql, anna)
  // Synced before, and due in its own time.
  await db.sql`update public.endpoints set next_sync_at = now() + interval '5 minutes', last_sync_status = 'completed' where id = ${id}`
})
afterAll(async () => {
  await Promise.all([api.end(), sql.end()])
  await db[Symbol.asyncDispose]()
})

describe('sync_endpoint', () => {
  it('makes the endpoint due at once, and gives its row', async () => {
    const row = await call('sync_endpoint')

    expect(row).toMatchObject({ id, name: 'Plans', enabled: true, last_sync_status: 'completed' })
    expect(await state()).toMatchObject({ due: true })
    await db.sql`select patchbay.dispatch()`
    expect(await jobs()).toEqual(['created'])
  })

  it('does so while it waits after failures', async () => {
    await db.sql`update public.endpoints set consecutive_failures = 7, next_sync_at = now() + interval '6 hours' where id = ${id}`

    await call('sync_endpoint')
    expect(await state()).toMatchObject({ due: true })
  })

  it('during a run, has another one follow it', async () => {
    await claimRun(sql, id)
    await call('sync_endpoint')

    expect(await state()).toMatchObject({ due: true, last_sync_status: 'running' })
  })

  it('refuses a paused one, and says what to do', async () => {
    await call('pause_endpoint')

    await expect(call('sync_endpoint')).rejects.toMatchObject({
      code: 'PT409',
      detail: 'endpoint_paused',
      message: 'This endpoint is paused.',
      hint: 'Resume it first.',
    })
    expect(await state()).toMatchObject({ due: false })
  })

  it.each([
    ['needs_reauth', 'needs_reauth', 'Connect the account again.'],
    ['disconnected', 'not_connected', 'Connect the account first.'],
  ])('refuses one whose account is %s', async (status, detail, hint) => {
    await db.sql`update public.integrations set status = ${status} where id = ${integrationId}`

    await expect(call('sync_endpoint')).rejects.toMatchObject({ code: 'PT409', detail, hint })
  })

  it('refuses one that has no account', async () => {
    await db.sql`delete from public.integrations where id = ${integrationId}`

    await expect(call('sync_endpoint')).rejects.toMatchObject({ code: 'PT409', detail: 'not_connected' })
    expect(await state()).toMatchObject({ waits: true })
  })
})

describe('pause_endpoint and resume_endpoint', () => {
  it('keep runs from beginning, and make one due at once that was held up', async () => {
    expect(await call('pause_endpoint')).toMatchObject({ enabled: false })
    await db.sql`update public.endpoints set next_sync_at = now() where id = ${id}`
    await db.sql`select patchbay.dispatch()`
    expect(await jobs()).toEqual([])

    await db.sql`update public.endpoints set next_sync_at = now() + interval '1 hour' where id = ${id}`
    expect(await call('resume_endpoint')).toMatchObject({ enabled: true })
    expect(await state()).toMatchObject({ due: true })
  })

  it('say the same when they are called again, and change nothing', async () => {
    await call('pause_endpoint')
    expect(await call('pause_endpoint')).toMatchObject({ id, enabled: false })
    await call('resume_endpoint')
    await db.sql`update public.endpoints set next_sync_at = now() + interval '1 hour' where id = ${id}`
    expect(await call('resume_endpoint')).toMatchObject({ id, enabled: true })
    expect(await state()).toMatchObject({ due: false })
  })

  it('let the run in progress end with its page', async () => {
    const run = await claimRun(sql, id)
    await call('pause_endpoint')

    const merged = await mergePage(sql, id, run!.fence, page({ first: true, files: [file('a', null)] })).result
    expect(merged).toMatchObject({ inserted: 1n, proceed: false })
  })

  it('make no endpoint due that waits for an account', async () => {
    await db.sql`delete from public.integrations where id = ${integrationId}`
    await call('pause_endpoint')
    await call('resume_endpoint')

    expect(await state()).toMatchObject({ waits: true })
  })
})

describe('cancel_sync', () => {
  it('ends the run in progress, keeps what was read, and goes on from there', async () => {
    const run = await claimRun(sql, id)
    await mergePage(sql, id, run!.fence, page({ first: true, files: [file('a', null)], next: { token: 'second page' } })).result

    expect(await call('cancel_sync')).toMatchObject({ last_sync_status: 'cancelled' })
    expect(await logs()).toEqual([
      { status: 'cancelled', error_code: null, error_message: 'The run was cancelled.', ended: true },
    ])
    // The worker does not know yet.
    await expect(mergePage(sql, id, run!.fence, page({ files: [file('b', null)] })).result).rejects.toMatchObject({
      code: 'run_superseded',
    })
    expect(await db.sql`select external_file_id from public.files where endpoint_id = ${id}`).toEqual([{ external_file_id: 'a' }])
    expect(await claimRun(sql, id)).toMatchObject({ cursor: { token: 'second page' } })
  })

  it('drops a job that waits, and one in hand is not tried again', async () => {
    for (const active of [false, true]) {
      await db.sql`delete from pgboss.job`
      await call('sync_endpoint')
      await db.sql`select patchbay.dispatch()`
      if (active) await db.sql`update pgboss.job set state = 'active', started_on = now() where singleton_key = ${id}`

      await call('cancel_sync')
      expect(await jobs()).toEqual(['cancelled'])
    }
  })

  it('keeps the run of a worker from beginning that has just taken the job', async () => {
    const [job] = await db.sql<[{ id: string }]>`select id from patchbay.take_sync_job(${id})`
    await call('cancel_sync')
    expect(await claimRun(sql, id, false, job.id)).toBeUndefined()
    expect(await logs()).toEqual([])
    expect(await state()).toMatchObject({ last_sync_status: 'completed' })

    const [next] = await db.sql<[{ id: string }]>`select id from patchbay.take_sync_job(${id})`
    expect(await claimRun(sql, id, false, next.id)).toMatchObject({ run_id: expect.any(String) })
  })

  it('leaves the next run to the schedule', async () => {
    await db.sql`update public.endpoints set interval_minutes = 90 where id = ${id}`
    await claimRun(sql, id)
    await call('cancel_sync')
    expect(Number((await state())?.['minutes'])).toBeCloseTo(90, 0)

    await db.sql`update public.endpoints set schedule_type = 'cron', schedule_cron = '0 6 * * *', time_zone = 'Asia/Tokyo' where id = ${id}`
    await call('sync_endpoint')
    await call('cancel_sync')
    const [row] =
      await db.sql`select to_char(next_sync_at at time zone 'Asia/Tokyo', 'HH24:MI') as at from public.endpoints where id = ${id}`
    expect(row).toEqual({ at: '06:00' })
    expect(await state()).toMatchObject({ due: false })
  })

  it('leaves also the items that webhooks named to that run', async () => {
    await db.sql`select patchbay.add_targets(${id}, array['a'])`
    await claimRun(sql, id, true)
    await call('cancel_sync')
    expect(await db.sql`select due.endpoint_id from patchbay.due_syncs() due where due.endpoint_id = ${id}`).toEqual([])
  })

  it('changes nothing when there is nothing to cancel', async () => {
    const before = await db.sql`select * from public.endpoints where id = ${id}`
    expect(await call('cancel_sync')).toMatchObject({ id, last_sync_status: 'completed' })
    expect(await db.sql`select * from public.endpoints where id = ${id}`).toEqual(before)
  })
})

describe('resync_endpoint', () => {
  it('begins a full pass at once, and keeps the rows until its end', async () => {
    await addFile(db.sql, id, anna)
    const before = await claimRun(sql, id)
    await mergePage(sql, id, before!.fence, page({ pass: 'changes', more: false, next: { token: 'feed' } })).result

    expect(await call('resync_endpoint')).toMatchObject({ last_sync_status: 'pending' })
    expect(await state()).toMatchObject({ due: true })
    expect(await logs()).toMatchObject([{ status: 'cancelled', error_message: 'A full sync was asked for during this run.' }])
    await expect(mergePage(sql, id, before!.fence, page()).result).rejects.toMatchObject({ code: 'run_superseded' })

    const run = await claimRun(sql, id)
    expect(run).toMatchObject({ cursor: null })
    await mergePage(sql, id, run!.fence, page({ first: true, files: [file('new', null)] })).result
    expect(await db.sql`select from public.files where endpoint_id = ${id}`).toHaveLength(2)
    await mergePage(sql, id, run!.fence, page({ more: false })).result
    expect(await db.sql`select external_file_id from public.files where endpoint_id = ${id}`).toEqual([
      { external_file_id: 'new' },
    ])
  })

  it('refuses a paused one, and leaves its position alone', async () => {
    const run = await claimRun(sql, id)
    await mergePage(sql, id, run!.fence, page({ first: true })).result
    await call('pause_endpoint')

    await expect(call('resync_endpoint')).rejects.toMatchObject({ detail: 'endpoint_paused' })
    expect(await db.sql`select cursor from patchbay.sync_state where endpoint_id = ${id}`).toEqual([
      { cursor: { token: 'next' } },
    ])
  })
})

describe('confirm_deletions', () => {
  it('lets the next pass delete what the guard stopped', async () => {
    for (let n = 0; n < 101; n += 1) await addFile(db.sql, id, anna)
    expect(await pass()).toMatchObject({ stopped_at: 101n, deleted: 0n })

    await call('confirm_deletions')
    expect(await state()).toMatchObject({ due: true })
    expect(await pass()).toMatchObject({ stopped_at: null, deleted: 101n })
    // Good for one pass.
    await expect(call('confirm_deletions')).rejects.toMatchObject({ code: 'PT409', detail: 'nothing_to_confirm' })
  })

  it('may come until a full pass ends otherwise, also when a run has failed or has not come to its end since', async () => {
    for (let n = 0; n < 101; n += 1) await addFile(db.sql, id, anna)
    await pass()
    for (const [status, code] of [
      ['failed', 'provider_unavailable'],
      ['partial', null],
      ['failed', 'provider_unavailable'],
    ] as const) {
      const run = await claimRun(sql, id)
      if (status === 'partial') await mergePage(sql, id, run!.fence, page({ first: true })).result
      await finish(run!.fence, status, code)
      expect(await errorCode()).toBe('mass_delete_stopped')
      expect(await state()).toMatchObject({ last_sync_status: 'stopped' })
    }

    // Everything is there again, and the feed that follows has not come to its end.
    const run = await claimRun(sql, id)
    const gone = await db.sql<{ id: string }[]>`select external_file_id as id from public.files where endpoint_id = ${id}`
    const files = gone.map((row) => file(row.id, null))
    await mergePage(sql, id, run!.fence, page({ files, more: false, next: { token: 'feed' } })).result
    await finish(run!.fence, 'partial', null)
    expect(await errorCode()).toBeNull()
    expect(await state()).toMatchObject({ last_sync_status: 'partial' })
  })

  it('is an answer: what becomes of the next runs is told as ever', async () => {
    for (let n = 0; n < 101; n += 1) await addFile(db.sql, id, anna)
    await pass()
    await call('confirm_deletions')
    const run = await claimRun(sql, id)
    await mergePage(sql, id, run!.fence, page({ first: true })).result
    await finish(run!.fence, 'partial', null)
    expect(await state()).toMatchObject({ last_sync_status: 'partial' })
  })

  it('confirms nothing in advance', async () => {
    await expect(call('confirm_deletions')).rejects.toMatchObject({
      code: 'PT409',
      detail: 'nothing_to_confirm',
      message: 'No deletion of this endpoint waits to be confirmed.',
      hint: expect.any(String),
    })
    expect(await db.sql`select deletions_confirmed_at from public.endpoints where id = ${id}`).toEqual([
      { deletions_confirmed_at: null },
    ])
  })
})

describe.each(names)('%s', (name) => {
  const attackers: [string, () => { role: string; claims: object }][] = [
    ['another user', () => ({ role: 'authenticated', claims: { sub: bert, role: 'authenticated' } })],
    ['a user without an id', () => ({ role: 'authenticated', claims: { role: 'authenticated' } })],
    [
      'a user with the service role in the claims',
      () => ({ role: 'authenticated', claims: { sub: bert, role: 'service_role', user_metadata: { user_id: anna } } }),
    ],
    [
      'a user without an id with the service role in the claims',
      () => ({ role: 'authenticated', claims: { role: 'service_role' } }),
    ],
  ]

  it.each(attackers)('tells %s no more of it than of one that does not exist', async (_who, as) => {
    await claimRun(sql, id)
    await db.sql`update public.endpoints set last_error_code = 'mass_delete_stopped' where id = ${id}`
    const before = await everything()
    const refusals = []
    for (const one of [id, randomUUID(), null]) {
      refusals.push(
        await call(name, { ...as(), id: one }).then(
          () => 'done',
          ({ code, message, detail, hint }: postgres.PostgresError) => ({ code, message, detail, hint }),
        ),
      )
    }

    const notFound = { code: 'PT404', detail: 'not_found', message: 'There is no such endpoint.', hint: expect.any(String) }
    expect(refusals).toEqual([notFound, notFound, notFound])
    expect(await everything()).toEqual(before)
  })

  it('is nothing that a visitor may execute, whatever they claim to be', async () => {
    for (const claims of [{ role: 'anon' }, { sub: anna, role: 'authenticated' }, { role: 'service_role' }]) {
      await expect(call(name, { role: 'anon', claims })).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('acts for the operator on any endpoint: with the service role, and as the owner of the database', async () => {
    await db.sql`update public.endpoints set last_error_code = 'mass_delete_stopped' where id = ${id}`

    expect(await call(name, { role: 'service_role', claims: { role: 'service_role' } })).toMatchObject({ id })
    expect([...(await db.sql.unsafe(`select id from public.${name}($1)`, [id]))]).toEqual([{ id }])
  })
})

describe('a changed schedule', () => {
  const minutesAfter = async (change: string) => {
    await asCaller({}, (tx) => tx.unsafe(`update public.endpoints set ${change} where id = '${id}'`))
    return Number((await state())?.['minutes'])
  }

  it('counts from the last run, and not only after the one that was planned', async () => {
    await db.sql`update public.endpoints set next_sync_at = now() + interval '1 day', last_sync_at = now() - interval '20 minutes' where id = ${id}`
    expect(await minutesAfter('interval_minutes = 60')).toBeCloseTo(40, 0)
    expect(await minutesAfter('interval_minutes = 10')).toBeCloseTo(0, 0)
  })

  it('is that of the clock, from now on', async () => {
    expect(await minutesAfter(`schedule_type = 'cron', schedule_cron = '* * * * *'`)).toBeLessThanOrEqual(1)
  })

  it.each([
    ['is due', `next_sync_at = now() - interval '1 minute'`, -1],
    ['runs', `last_sync_status = 'running', next_sync_at = now() + interval '15 minutes'`, 15],
    ['waits after failures', `consecutive_failures = 5, next_sync_at = now() + interval '16 minutes'`, 16],
  ])('waits its turn where the endpoint %s', async (_what, is, minutes) => {
    await db.sql.unsafe(`update public.endpoints set ${is} where id = '${id}'`)
    expect(await minutesAfter('interval_minutes = 7')).toBeCloseTo(minutes, 0)
  })

  it('leaves what waits for an account waiting', async () => {
    await db.sql`delete from public.integrations where id = ${integrationId}`
    await minutesAfter('interval_minutes = 7')
    expect(await state()).toMatchObject({ waits: true })
  })

  it('is refused before anything is computed of it', async () => {
    await expect(minutesAfter(`schedule_type = 'cron', schedule_cron = 'daily'`)).rejects.toMatchObject({
      constraint_name: 'endpoints_schedule_cron_check',
    })
  })
})

describe('patchbay.next_cron', () => {
  it('agrees with the library that workers compute the times with, where clocks are not changed', async () => {
    const cases = generateCases(600)
    const rows = await db.sql<{ next: Date | null }[]>`
      select patchbay.next_cron(c ->> 'cron', c ->> 'zone', (c ->> 'from')::timestamptz) as next
      from jsonb_array_elements(${db.sql.json(cases)}) with ordinality as t (c, n) order by n`

    const wrong = cases.flatMap(({ cron, zone, from }, index) => {
      const schedule: Schedule = { schedule_type: 'cron', schedule_cron: cron, interval_minutes: null, time_zone: zone }
      const expected = nextSyncAt(schedule, 0, Date.parse(from)).toISOString()
      const found = rows[index]?.next?.toISOString()
      return found === expected ? [] : [`${cron} ${zone} after ${from}: ${found}, not ${expected}`]
    })
    expect(wrong).toEqual([])
  })

  it('finds 29 February of a year far away, and no 30 February', async () => {
    const [row] = await db.sql`
      select patchbay.next_cron('0 0 29 2 *', 'UTC', '2096-03-01Z') as leap, patchbay.next_cron('0 0 30 2 *', 'UTC', '2026-03-01Z') as never`
    expect(row).toEqual({ leap: new Date('2104-02-29T00:00:00Z'), never: null })
  })
})

interface CallOptions {
  role?: string
  claims?: object
  id?: string | null
}

/** Calls a function as a request of the Data API does; by default as the owner. */
async function call(name: Name, { id: which = id, ...caller }: CallOptions = {}): Promise<Row | undefined> {
  const [row] = await asCaller(caller, (tx) => tx.unsafe<Row[]>(`select * from public.${name}($1)`, [which]))
  return row
}

async function asCaller<T>(
  { role = 'authenticated', claims }: Omit<CallOptions, 'id'>,
  work: (tx: TransactionSql) => Promise<T>,
) {
  return api.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims ?? { sub: anna, role: 'authenticated' })}, true)`
    await tx.unsafe(`set local role ${role}`)
    return work(tx)
  })
}

/** A full pass that finds one file. */
async function pass() {
  const run = await claimRun(sql, id)
  const merged = await mergePage(sql, id, run!.fence, page({ first: true, more: false, files: [file('left', null)] })).result
  await (merged.stopped_at === null
    ? finish(run!.fence, 'completed', null)
    : finish(run!.fence, 'stopped', 'mass_delete_stopped'))
  return merged
}

async function finish(fence: bigint, status: FinishedRun['status'], errorCode: string | null): Promise<void> {
  const nextSyncAt = new Date(Date.now() + 3_600_000)
  await finishRun(sql, id, fence, { status, errorCode, errorMessage: null, requests: 0, bytes: 0, nextSyncAt })
}

async function errorCode(): Promise<unknown> {
  const [row] = await db.sql<Row[]>`select last_error_code from public.endpoints where id = ${id}`
  return row?.['last_error_code']
}

async function state(): Promise<Row | undefined> {
  const [row] = await db.sql<Row[]>`
    select next_sync_at <= now() as due, next_sync_at = 'infinity' as waits, last_sync_status,
      case when next_sync_at < 'infinity' then extract(epoch from next_sync_at - now()) / 60 end as minutes
    from public.endpoints where id = ${id}`
  return row
}

async function jobs(): Promise<string[]> {
  const rows = await db.sql<{ state: string }[]>`select state from pgboss.job where name = 'sync' and singleton_key = ${id}`
  return rows.map((row) => row.state)
}

async function logs(): Promise<Row[]> {
  return [
    ...(await db.sql<Row[]>`
      select status, error_code, error_message, finished_at is not null as ended
      from public.sync_logs where endpoint_id = ${id} order by started_at`),
  ]
}

async function everything(): Promise<Row[]> {
  return [
    ...(await db.sql<Row[]>`
      select e, s, (select jsonb_agg(l) from public.sync_logs l where l.endpoint_id = e.id) as logs
      from public.endpoints e left join patchbay.sync_state s on s.endpoint_id = e.id where e.id = ${id}`),
  ]
}

/** Schedules and times in weeks without a change of clocks; the same ones every time. */
function generateCases(count: number): { cron: string; zone: string; from: string }[] {
  let seed = 20_261_121
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * limit)
  }
  const pick = <T>(items: readonly [T, ...T[]]): T => items[below(items.length)] ?? items[0]
  return Array.from({ length: count }, () => ({
    cron: [
      pick(['0', '*/5', '*', '17', '0,30', '5-10', '58-59']),
      pick(['6', '*', '*/4', '0', '9-17', '23', '1,13']),
      pick(['*', '*', '*', '1', '*/10', '15-20', '31']),
      pick(['*', '*', '*', '6-7', '12', '1']),
      pick(['*', '*', '1-5', '0', '7', '6,0', '*/2', '5-7']),
    ].join(' '),
    // Clocks are not changed here, so that any date will do.
    zone: pick(['UTC', 'Asia/Tokyo', 'Asia/Kolkata', 'America/Phoenix', 'Africa/Lagos', 'Asia/Kathmandu']),
    from: new Date(Date.UTC(2026, below(12), 1 + below(28), below(24), below(60), below(60))).toISOString(),
  }))
}
