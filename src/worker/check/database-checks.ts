import { existsSync, readdirSync } from 'node:fs'
import type { Runtime } from '../../shared/runtime.ts'
import { accessRemedy } from '../refusal.ts'
import { type Check, type Finding, failed, ok, warning } from './check.ts'

const migrationsFolder = new URL('../../../supabase/migrations/', import.meta.url)

/** Whether the database answers; without it, the checks below make no sense. */
export const databaseCheck: Check = { name: 'database', needsDatabase: false, run: checkDatabase }

/** What is in the database: migrations and row level security. */
export const databaseChecks: Check[] = [
  { name: 'migrations', needsDatabase: true, run: checkMigrations },
  { name: 'row-level-security', needsDatabase: true, run: checkRowLevelSecurity },
]

async function checkDatabase({ sql, config }: Runtime): Promise<Finding> {
  try {
    const [row] = await sql<{ version: number; role: string }[]>`
      select current_setting('server_version_num')::int / 10000 as version, current_user::text as role`
    if (row === undefined || row.version < 15) {
      return failed(`The database is Postgres ${row?.version}.`, 'Patchbay needs Postgres 15 or newer: upgrade the project.')
    }
    return ok(`Postgres ${row.version} answers, to the role ${row.role}.`)
  } catch (error) {
    const { host } = new URL(config.databaseUrl)
    return failed(`The database at ${host} does not answer: ${(error as Error).message}`, remedyOf(error))
  }
}

function remedyOf(error: unknown): string {
  const remedy = accessRemedy(error)
  if (remedy !== undefined) return remedy
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === '53300') return "All connections are in use: take the transaction pooler's address (dashboard: Connect)."
  return "Set CONNECTOR_DATABASE_URL to the pooler's address (dashboard: Connect); is the project paused?"
}

async function checkMigrations({ sql }: Runtime): Promise<Finding> {
  if (!existsSync(migrationsFolder)) {
    return warning(
      'Migrations were not compared: they are not beside this program.',
      'Run this command in a checkout of the project.',
    )
  }
  const ours = readdirSync(migrationsFolder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
  const [table] = await sql<
    { there: boolean }[]
  >`select to_regclass('supabase_migrations.schema_migrations') is not null as there`
  const applied = table?.there
    ? new Set(
        (await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`).map((row) => row.version),
      )
    : new Set<string>()
  const missing = ours.filter((name) => !applied.has(name.slice(0, 14)))
  if (missing.length === 0) return ok(`All ${ours.length} migrations are applied.`)
  const first = missing.slice(0, 3).join(', ')
  return failed(
    `${missing.length} of ${ours.length} migrations are not applied: ${first}${missing.length > 3 ? ', …' : ''}.`,
    'npx supabase db push',
  )
}

async function checkRowLevelSecurity({ sql }: Runtime): Promise<Finding> {
  const tables = await sql<{ name: string }[]>`
    select c.oid::regclass::text as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity
    order by 1`
  if (tables.length === 0) return ok('Every table in public has row level security.')
  const names = tables.map(({ name }) => name)
  return failed(
    `Without row level security: ${names.join(', ')}. Whoever has the publishable key may have its rows.`,
    names.map((name) => `alter table public.${name} enable row level security;`).join(' '),
  )
}
