import type { Sql, TransactionSql } from 'postgres'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { addEndpoint, addFile, addUser, connectAccount } from './rows.ts'

// An attacker sits where the Data API sits: logged in as authenticator, in the role and with the claims of a request. What to try is
// read from the catalog, so a new table or function is attacked without a line here.

interface Caller {
  role: 'anon' | 'authenticated' | 'service_role'
  claims: Record<string, unknown>
}
interface Table {
  name: string
  isView: boolean
  columns: string[]
}
/** What became of an attempt: refused, or the number of rows that it saw or touched. */
type Result = 'refused' | number

let db: TestDatabase
let api: Sql
let anna: string
let bert: string
let annasEndpoint: string
let publicTables: Table[]
let privateTables: Table[]
let functions: { name: string; call: string }[]
let callers: Record<string, Caller>
let before: string

beforeAll(async () => {
  db = await createTestDatabase()
  api = postgres(db.urlFor('authenticator'), { max: 1, onnotice: () => {} })
  ;[anna, bert] = [await addUser(db.sql), await addUser(db.sql)]
  await connectAccount(db.sql, anna)
  annasEndpoint = await addEndpoint(db.sql, anna)
  await addFile(db.sql, annasEndpoint, anna)
  await db.sql`select patchbay.claim_run(${annasEndpoint})`
  await db.sql`select patchbay.dispatch()`
  await db.sql`insert into patchbay.folders values (${annasEndpoint}, 'root', null, 'root', true, false, '')`

  const tables = (schemas: string[]) => db.sql<Table[]>`
    select c.oid::regclass::text as name, c.relkind = 'v' as "isView", array_agg(quote_ident(a.attname) order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace::regnamespace::text in ${db.sql(schemas)} and c.relkind in ('r', 'p', 'v', 'm') group by c.oid`
  // In full, because the path that the Data API sets finds public without its name.
  publicTables = (await tables(['public'])).map((table) => ({ ...table, name: `public.${table.name}` }))
  privateTables = await tables(['patchbay', 'pgboss', 'vault', 'cron', 'net'])
  functions = await db.sql`
    select p.oid::regprocedure::text as name, format('%s.%s(%s)', p.pronamespace::regnamespace, p.proname, (
      select string_agg(
        case when t.name = 'endpoint_id' then quote_literal(${annasEndpoint}::text) else 'null' end || '::' || format_type(t.type, null), ', ' order by n
      ) from unnest(p.proargtypes, p.proargnames) with ordinality as t (type, name, n) where n <= p.pronargs
    )) as call
    from pg_proc p where p.pronamespace in ('public'::regnamespace, 'patchbay'::regnamespace, 'pgboss'::regnamespace)`
  callers = {
    'another user': { role: 'authenticated', claims: { sub: bert, role: 'authenticated' } },
    'nobody in particular': { role: 'anon', claims: { role: 'anon' } },
    'a visitor who claims to be the owner': { role: 'anon', claims: { sub: anna, role: 'authenticated' } },
    'a user without an id': { role: 'authenticated', claims: { role: 'authenticated' } },
    'a user with an empty id': { role: 'authenticated', claims: { sub: '', role: 'authenticated' } },
    'a user with the service role in the claims': {
      role: 'authenticated',
      claims: { sub: bert, role: 'service_role', app_metadata: { user_id: anna, admin: true }, user_metadata: { user_id: anna } },
    },
  }
  before = await contents()
})
afterAll(async () => {
  await api.end()
  await db[Symbol.asyncDispose]()
})

const names = [
  'another user',
  'nobody in particular',
  'a visitor who claims to be the owner',
  'a user without an id',
  'a user with an empty id',
  'a user with the service role in the claims',
]

describe.each(names)("promise 5: a user sees their rows, and no one else's: %s", (name) => {
  it('is one of the callers', () => expect(Object.keys(callers)).toContain(name))

  it('sees no row of any table', async () => {
    const results = await attempts(name, publicTables, (table) => [
      `select * from ${table.name}`,
      `select count(*) from ${table.name} having count(*) > 0`,
    ])

    expect(harmful(results)).toEqual([])
  })

  it('changes no row of any table, whichever column', async () => {
    const results = await attempts(name, publicTables, (table) => [
      ...table.columns.map((column) => `update ${table.name} set ${column} = ${column}`),
      `update ${table.name} set user_id = '${bert}'`,
    ])

    expect(harmful(results)).toEqual([])
  })

  it('deletes no row of any table', async () => {
    const results = await attempts(name, publicTables, (table) => [`delete from ${table.name}`, `truncate ${table.name} cascade`])

    expect(harmful(results)).toEqual([])
  })

  it("adds no row in the owner's name", async () => {
    const results = await attempts(name, publicTables, (table) => [
      `insert into ${table.name} (user_id) values ('${anna}')`,
      ...(table.name === 'public.endpoints'
        ? [`insert into public.endpoints (name, endpoint_type, project_id, user_id) values ('x', 'google_drive', 'x', '${anna}')`]
        : []),
    ])

    expect(results.filter(({ result }) => result !== 'refused')).toEqual([])
  })

  it('reaches no private table by any verb', async () => {
    const results = await attempts(name, privateTables, (table) => [
      `select * from ${table.name}`,
      ...table.columns.map((column) => `select ${column} from ${table.name}`),
      `insert into ${table.name} default values`,
      ...table.columns.map((column) => `update ${table.name} set ${column} = ${column}`),
      `delete from ${table.name}`,
      `truncate ${table.name} cascade`,
    ])

    expect(results.length).toBeGreaterThan(100)
    expect(results.filter(({ result }) => result !== 'refused')).toEqual([])
  })

  it('executes no function, but for those that are the API, which do nothing for them', async () => {
    const results = await attempts(name, functions, ({ call }) => [`select ${call}`])

    expect(results.length).toBeGreaterThan(20)
    expect(results.filter(({ result }) => result !== 'refused')).toEqual([])
  })

  it('takes no role with more rights', async () => {
    const roles = ['postgres', 'supabase_admin', 'supabase_auth_admin']
    const results = await attempts(name, roles, (role) => [`set local role ${role}`])

    expect(results.filter(({ result }) => result !== 'refused')).toEqual([])
  })

  it('left every row as it was', async () => {
    expect(await contents()).toBe(before)
  })
})

describe('the owner', () => {
  const owner = (): Caller => ({ role: 'authenticated', claims: { sub: anna, role: 'authenticated' } })

  it('reads own rows of every table', async () => {
    for (const table of publicTables) expect(await attempt(owner(), `select * from ${table.name}`), table.name).toBe(1)
  })

  it('changes these columns and no others', async () => {
    const changed = await attemptedColumns((table, column) => `update ${table} set ${column} = ${column}`)

    // oxfmt-ignore
    expect(changed).toEqual([
      'endpoints.name', 'endpoints.project_id', 'endpoints.description', 'endpoints.enabled', 'endpoints.schedule_type',
      'endpoints.schedule_cron', 'endpoints.interval_minutes', 'endpoints.file_types', 'endpoints.max_files_per_sync',
      'endpoints.endpoint_config', 'endpoints.tags', 'endpoints.integration_id', 'endpoints.time_zone',
      'endpoints.delete_guard_percent',
    ])
  })

  it('sets these columns of a new row and no others', async () => {
    const rows = await db.sql<{ column: string }[]>`
      select table_name || '.' || column_name as column from information_schema.column_privileges
      where grantee in ('authenticated', 'PUBLIC') and table_schema = 'public' and privilege_type = 'INSERT' order by 1`

    // oxfmt-ignore
    expect(rows.map((row) => row.column)).toEqual([
      'endpoints.delete_guard_percent', 'endpoints.description', 'endpoints.enabled', 'endpoints.endpoint_config',
      'endpoints.endpoint_type', 'endpoints.file_types', 'endpoints.id', 'endpoints.integration_id', 'endpoints.interval_minutes',
      'endpoints.max_files_per_sync', 'endpoints.name', 'endpoints.project_id', 'endpoints.schedule_cron', 'endpoints.schedule_type',
      'endpoints.tags', 'endpoints.time_zone', 'endpoints.user_id',
    ])
  })

  it('creates, pauses and deletes an endpoint', async () => {
    const insert = `insert into public.endpoints (name, endpoint_type, project_id, user_id) values ('mine', 'google_drive', 'p', '${anna}') returning 1`

    expect(await attempt(owner(), insert)).toBe(1)
    expect(await attempt(owner(), `update public.endpoints set enabled = false where name = 'Plans' returning 1`)).toBe(1)
    expect(await attempt(owner(), `delete from public.endpoints where name = 'Plans' returning 1`)).toBe(1)
  })

  it('deletes one that the provider tells of, and changes when it is synced', async () => {
    await db.sql`
      insert into patchbay.webhooks (id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe)
      select gen_random_uuid(), id, integration_id, 'google-drive', endpoint_type, '{}', 'account', '{}', '', 'e30..aXY.Y2lwaGVy.dGFn'
      from public.endpoints where id = ${annasEndpoint}`
    await db.sql`update public.endpoints set next_sync_at = now() + interval '1 hour', last_sync_status = 'completed' where id = ${annasEndpoint}`

    for (const change of [
      'interval_minutes = 7',
      `schedule_type = 'cron'`,
      `schedule_cron = '* * * * *'`,
      `time_zone = 'Asia/Tokyo'`,
    ])
      expect(await attempt(owner(), `update public.endpoints set ${change} returning 1`), change).toBe(1)
    expect(await attempt(owner(), `delete from public.endpoints returning 1`)).toBe(1)
  })

  it("cannot bind an endpoint to another user's account, which would show them that user's files", async () => {
    const theirs = await connectAccount(db.sql, bert)

    expect(await attempt(owner(), `update public.endpoints set integration_id = '${theirs}'`)).toBe('refused')
    await db.sql`delete from public.integrations where id = ${theirs}`
  })

  async function attemptedColumns(statement: (table: string, column: string) => string): Promise<string[]> {
    const worked: string[] = []
    for (const table of publicTables) {
      for (const column of table.columns) {
        if ((await attempt(owner(), statement(table.name, column))) !== 'refused')
          worked.push(`${table.name.slice('public.'.length)}.${column}`)
      }
    }
    return worked
  }
})

describe('the service role', () => {
  const service: Caller = { role: 'service_role', claims: { role: 'service_role' } }

  it('reads no private table and executes no private function: they are for the owner of the database', async () => {
    const own = privateTables.filter(({ name }) => /^(patchbay|pgboss)\./.test(name)).map(({ name }) => `select * from ${name}`)
    const calls = functions.filter(({ call }) => !call.startsWith('public.')).map(({ call }) => `select ${call}`)

    expect(Math.min(own.length, calls.length)).toBeGreaterThan(20)
    for (const statement of [...own, ...calls]) expect(await attempt(service, statement), statement).toBe('refused')
  })
})

async function attempts<T>(caller: string, targets: readonly T[], statements: (target: T) => string[]) {
  const results: { statement: string; result: Result }[] = []
  for (const statement of targets.flatMap(statements)) {
    const as = callers[caller]
    if (as === undefined) throw new Error(`No caller "${caller}"`)
    results.push({ statement, result: await attempt(as, statement) })
  }
  return results
}

function harmful(results: readonly { result: Result }[]) {
  return results.filter(({ result }) => result !== 'refused' && result > 0)
}

class RollBack extends Error {}

/** Runs a statement as a request would, and takes it back. Any refusal counts; a statement that is no SQL does not. */
async function attempt({ role, claims }: Caller, statement: string): Promise<Result> {
  let result: Result = 'refused'
  try {
    await api.begin(async (tx: TransactionSql) => {
      await tx`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
      await tx.unsafe(`set local role ${role}`)
      const rows = await tx.unsafe(statement)
      result = rows.count
      throw new RollBack()
    })
  } catch (error) {
    if (error instanceof RollBack) return result
    if (!(error instanceof postgres.PostgresError) || !refusals.has(error.code)) throw error
    // Refused inside a function, by what it tried to do: the caller got in.
    if (error.code === '42501' && error.where !== undefined) return 0
  }
  return 'refused'
}

// insufficient_privilege; a generated column; a check that says no; a user id that is none; an endpoint that is not theirs.
const refusals = new Set(['42501', '428C9', '23514', '22P02', 'PT404'])

/** All rows of all tables, as the superuser sees them. A view has no rows of its own, and may tell how long ago something was. */
async function contents(): Promise<string> {
  const admin = postgres(db.urlFor('supabase_admin'), { max: 1, onnotice: () => {} })
  try {
    const rows: unknown[] = []
    for (const { name } of [...publicTables, ...privateTables].filter(({ isView }) => !isView))
      rows.push(name, await admin.unsafe(`select t::text from ${name} t order by 1`))
    return JSON.stringify(rows)
  } finally {
    await admin.end()
  }
}
