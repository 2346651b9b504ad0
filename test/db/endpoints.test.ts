import { randomUUID } from 'node:crypto'
import type { Sql } from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { addEndpoint, addUser, connectAccount } from './rows.ts'

let db: TestDatabase
let sql: Sql
let anna: string
beforeAll(async () => {
  db = await createTestDatabase()
  sql = db.sql
})
beforeEach(async () => {
  anna = await addUser(sql)
})
afterAll(() => db[Symbol.asyncDispose]())

const fileTypesMessage =
  'file_types must be a list of up to 50 texts of up to 100 characters, with two * in each at most, and no brackets or + ! @.'

describe('bad input by SQL', () => {
  it.each([
    [
      'an unknown endpoint_type',
      { endpoint_type: 'dropbox' },
      'endpoints_endpoint_type_check',
      "Unknown endpoint_type 'dropbox'.",
    ],
    ['a negative interval', { interval_minutes: -5 }, 'endpoints_interval_minutes_check', 'interval_minutes must be 1 or more.'],
    [
      'an interval of nothing',
      { interval_minutes: 0 },
      'endpoints_interval_minutes_check',
      'interval_minutes must be 1 or more.',
    ],
    [
      'no interval where one is used',
      { interval_minutes: null },
      'endpoints_interval_minutes_check',
      'interval_minutes must be 1 or more.',
    ],
    [
      'a cron that does not parse',
      { schedule_cron: '61 * * * *' },
      'endpoints_schedule_cron_check',
      "schedule_cron '61 * * * *' is not a cron expression.",
    ],
    ['an unknown time zone', { time_zone: 'Mars/Olympus' }, 'endpoints_time_zone_check', "Unknown time_zone 'Mars/Olympus'."],
    [
      'a time zone without daylight saving time',
      { time_zone: 'UTC+2' },
      'endpoints_time_zone_check',
      "Unknown time_zone 'UTC+2'.",
    ],
    ['file types that are no list', { file_types: { pdf: true } }, 'endpoints_file_types_check', fileTypesMessage],
    ['file types that are no texts', { file_types: ['pdf', 7] }, 'endpoints_file_types_check', fileTypesMessage],
    ['a file type that takes for ever to match', { file_types: ['*a*a*a*b'] }, 'endpoints_file_types_check', fileTypesMessage],
    [
      'too many file types',
      { file_types: Array.from({ length: 51 }, () => 'pdf') },
      'endpoints_file_types_check',
      fileTypesMessage,
    ],
    ['an empty file type', { file_types: [''] }, 'endpoints_file_types_check', fileTypesMessage],
    [
      'an unknown account',
      { integration_id: randomUUID() },
      'endpoints_integration_id_check',
      "integration_id is not one of this user's google-drive accounts.",
    ],
  ])('refuses %s with a sentence and a hint', async (_what, columns, constraint, message) => {
    await expect(insert(columns)).rejects.toMatchObject({
      code: '23514',
      constraint_name: constraint,
      message,
      hint: expect.stringMatching(/^[A-Z].+\.$/),
    })
  })

  it.each([
    ['an unknown schedule_type', { schedule_type: 'sometimes' }, 'endpoints_schedule_type_check'],
    ['an empty name', { name: '  ' }, 'endpoints_name_check'],
    ['a run that may read no file', { max_files_per_sync: 0 }, 'endpoints_max_files_per_sync_check'],
    ['an endpoint_config that is no object', { endpoint_config: ['folder'] }, 'endpoints_endpoint_config_check'],
    ['tags that are no list', { tags: { a: 1 } }, 'endpoints_tags_check'],
    ['a guard of more than everything', { delete_guard_percent: 101 }, 'endpoints_delete_guard_percent_check'],
    ['an unknown last_sync_status', { last_sync_status: 'fine' }, 'endpoints_last_sync_status_check'],
    ['an unknown user', { user_id: randomUUID() }, 'endpoints_user_id_fkey'],
  ])('refuses %s by a named constraint', async (_what, columns, constraint) => {
    await expect(insert(columns)).rejects.toMatchObject({ constraint_name: constraint })
  })

  it('is refused in a change as in a new endpoint', async () => {
    const id = await insert()
    const change = (columns: Record<string, unknown>) =>
      sql`update public.endpoints set ${sql(columns as Record<string, string>)} where id = ${id}`

    await expect(change({ interval_minutes: 0 })).rejects.toMatchObject({ constraint_name: 'endpoints_interval_minutes_check' })
    await expect(change({ schedule_cron: 'daily' })).rejects.toMatchObject({ constraint_name: 'endpoints_schedule_cron_check' })
    await expect(change({ time_zone: 'Berlin' })).rejects.toMatchObject({ constraint_name: 'endpoints_time_zone_check' })
    await expect(change({ integration_id: randomUUID() })).rejects.toMatchObject({
      constraint_name: 'endpoints_integration_id_check',
    })
    await expect(change({ schedule_type: 'cron', interval_minutes: null })).resolves.toBeDefined()
    await expect(change({ schedule_type: 'interval' })).rejects.toMatchObject({
      constraint_name: 'endpoints_interval_minutes_check',
    })
  })

  it.each([{ user_id: 'another user' }, { endpoint_type: 'dropbox' }])(
    'cannot change whose or what an endpoint is: %o',
    async (columns) => {
      const id = await insert()
      const values = 'user_id' in columns ? { user_id: await addUser(sql) } : columns

      await expect(sql`update public.endpoints set ${sql(values)} where id = ${id}`).rejects.toMatchObject({
        constraint_name: 'endpoints_identity_check',
        message: 'An endpoint keeps its user_id and endpoint_type.',
      })
    },
  )

  it.each([
    ['any names of files, and none', { file_types: ['pdf', 'image/*', '*'] }],
    ['no filter', { file_types: null }],
    ['no limit', { max_files_per_sync: null }],
    ['a time zone of the IANA database', { time_zone: 'America/Argentina/Buenos_Aires' }],
    ['a cron expression', { schedule_type: 'cron', schedule_cron: '0 6 * * 1-5', interval_minutes: null }],
  ])('is not %s', async (_what, columns) => {
    await expect(insert(columns)).resolves.toBeTypeOf('string')
  })
})

describe('the account of an endpoint', () => {
  it('is the only one that its owner has', async () => {
    const account = await connectAccount(sql, anna)

    expect(await accountOf(await insert())).toEqual({ integration_id: account, waits: false })
  })

  it('is never one of several', async () => {
    const first = await connectAccount(sql, anna, { accountId: 'first' })
    await connectAccount(sql, anna, { accountId: 'second' })

    await expect(insert()).rejects.toMatchObject({
      constraint_name: 'endpoints_integration_id_check',
      message: 'This user has 2 google-drive accounts.',
      hint: 'Say which one to read: set integration_id.',
    })
    expect(await accountOf(await insert({ integration_id: first }))).toEqual({ integration_id: first, waits: false })
  })

  it("is never another user's", async () => {
    const account = await connectAccount(sql, await addUser(sql))

    await expect(insert({ integration_id: account })).rejects.toMatchObject({ constraint_name: 'endpoints_integration_id_check' })
    expect(await accountOf(await insert())).toEqual({ integration_id: null, waits: true })
  })

  it('is waited for, and the next one that its owner connects', async () => {
    const id = await insert()
    expect(await accountOf(id)).toEqual({ integration_id: null, waits: true })

    const account = await connectAccount(sql, anna)
    expect(await accountOf(id)).toEqual({ integration_id: account, waits: false })
  })

  it('is not counted when its connection was never completed', async () => {
    await sql`select patchbay.reserve_integration(${anna}, 'google-drive', 'authorization_code', 'abandoned', null)`
    const account = await connectAccount(sql, anna, { accountId: 'completed' })

    expect(await accountOf(await insert())).toEqual({ integration_id: account, waits: false })
  })

  it('stays empty when it is disconnected, although another one is left', async () => {
    const first = await connectAccount(sql, anna, { accountId: 'first' })
    await connectAccount(sql, anna, { accountId: 'second' })
    const id = await insert({ integration_id: first })

    await sql`delete from public.integrations where id = ${first}`
    expect(await accountOf(id)).toEqual({ integration_id: null, waits: true })
  })

  it('can be deleted by an owner who has several others', async () => {
    const first = await connectAccount(sql, anna, { accountId: 'first' })
    for (const accountId of ['second', 'third']) await connectAccount(sql, anna, { accountId })
    const id = await insert({ integration_id: first })

    await sql`delete from public.integrations where id = ${first}`
    expect(await accountOf(id)).toEqual({ integration_id: null, waits: true })
  })

  it('makes the endpoint due at once when it is set by hand', async () => {
    const id = await insert()
    await sql`select patchbay.reserve_integration(${anna}, 'google-drive', 'authorization_code', 'by-hand', null)`
    await sql`update public.endpoints set integration_id = (select id from public.integrations where account_id = 'by-hand') where id = ${id}`

    expect(await accountOf(id)).toMatchObject({ waits: false })
  })
})

describe('an endpoint', () => {
  it('takes its files, runs and token metadata with it', async () => {
    await connectAccount(sql, anna)
    const id = await insert()
    await sql`select patchbay.claim_run(${id})`
    await sql`delete from public.endpoints where id = ${id}`

    expect(
      await sql`
      select from public.oauth_tokens where endpoint_id = ${id} union all
      select from public.sync_logs where endpoint_id = ${id} union all
      select from patchbay.sync_state where endpoint_id = ${id}`,
    ).toHaveLength(0)
  })

  it('notes the change that its owner makes, and not what the scheduler does', async () => {
    const id = await insert()
    const updatedAt = async () =>
      (await sql<{ at: string }[]>`select updated_at::text as at from public.endpoints where id = ${id}`)[0]?.at
    const before = await updatedAt()

    await sql`update public.endpoints set next_sync_at = now(), last_sync_status = 'running' where id = ${id}`
    expect(await updatedAt()).toBe(before)
    await sql`update public.endpoints set name = 'Photos' where id = ${id}`
    expect(await updatedAt()).not.toBe(before)
  })
})

function insert(columns: Record<string, unknown> = {}): Promise<string> {
  return addEndpoint(sql, anna, columns)
}

/** waits: it is not looked at until an account is connected. */
async function accountOf(endpointId: string) {
  const [row] =
    await sql`select integration_id, next_sync_at = 'infinity' as waits from public.endpoints where id = ${endpointId}`
  return { ...row }
}
