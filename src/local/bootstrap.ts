import { readFile } from 'node:fs/promises'
import { getAuthSchemaSql, SUPABASE_AUTH_HELPERS_SQL } from '@supabase/lite'
import type { Sql } from 'postgres'

const standIns = { cron: 'pg_cron', net: 'pg_net', vault: 'supabase_vault' } as const
const parts = ['roles', 'auth', ...(Object.keys(standIns) as (keyof typeof standIns)[])] as const

/**
 * Gives a plain Postgres (15 or newer) what a hosted Supabase project has before the first migration: roles, schemas, default
 * privileges, the Auth tables, and `cron`, `net` and `vault`: the real extension where the server offers it, else a stand-in with
 * the same functions. May run again at any time.
 * @param sql one connection as a superuser
 */
export async function bootstrap(sql: Sql): Promise<void> {
  await run(sql, await readPart('roles'))
  await run(sql, authTablesSql())
  await run(sql, await readPart('auth'))
  for (const [part, extension] of Object.entries(standIns) as [keyof typeof standIns, string][]) {
    if (await offersExtension(sql, extension)) {
      // pg_cron fixes the schema of its functions; its own entry belongs where hosted has it.
      const schema = extension === 'pg_cron' ? ' with schema pg_catalog' : ''
      await run(sql, `set role supabase_admin; create extension if not exists ${extension}${schema}; reset role;`)
      await run(sql, `grant usage on schema ${part} to postgres; grant select on all tables in schema ${part} to postgres`)
    } else {
      await run(sql, await readPart(part))
    }
  }
}

/** All SQL that a bootstrap may run, for a fingerprint of it. */
export async function bootstrapText(): Promise<string> {
  return [authTablesSql(), ...(await Promise.all(parts.map(readPart)))].join('\n')
}

function authTablesSql(): string {
  return `set role supabase_admin; ${getAuthSchemaSql()}; ${SUPABASE_AUTH_HELPERS_SQL}; reset role;`
}

function readPart(part: (typeof parts)[number]): Promise<string> {
  return readFile(new URL(`./bootstrap/${part}.sql`, import.meta.url), 'utf8')
}

async function run(sql: Sql, text: string): Promise<void> {
  await sql.unsafe(text).simple()
}

// pg_cron and pg_net work only where the server loads their library; pg_cron only in the one database that it is configured for.
async function offersExtension(sql: Sql, extension: string): Promise<boolean> {
  const rows = await sql`
    select from pg_available_extensions
    where name = ${extension} and (
      installed_version is not null
      or name = 'supabase_vault'
      or (current_setting('shared_preload_libraries') like '%' || name || '%'
        and current_database() = coalesce(current_setting('cron.database_name', true), 'postgres'))
    )`
  return rows.length > 0
}
