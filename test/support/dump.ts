import { text } from 'node:stream/consumers'
import { connect } from '../../src/shared/db/connection.ts'
import type { TestDatabase } from './database.ts'

/**
 * The data of every table of a database, as pg_dump writes it: with COPY. The Postgres that npm has comes without pg_dump, and one of
 * another version refuses this server.
 */
export async function dumpDatabase(database: TestDatabase): Promise<string> {
  const sql = connect(database.urlFor('supabase_admin'), 1)
  try {
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
      order by 1`
    const parts: string[] = []
    for (const { name } of tables) parts.push(name, await text(await sql.unsafe(`copy ${name} to stdout`).readable()))
    return parts.join('\n')
  } finally {
    await sql.end()
  }
}
