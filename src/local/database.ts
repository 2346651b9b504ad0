import { join } from 'node:path'
import { openSql } from './connection.ts'
import { bootstrap } from './bootstrap.ts'
import { migrate } from './migrate.ts'

/** The connection string of one database for a role: `postgres`, `supabase_admin` (superuser), `authenticator`. */
export type DatabaseUrl = (role: string) => string

/** Gives a database what a hosted project has, then the project's migrations. May run again at any time. */
export async function prepareDatabase(url: DatabaseUrl, projectDir: string, dataDir: string): Promise<void> {
  const sql = openSql(url('supabase_admin'))
  try {
    await bootstrap(sql)
    await migrate({ projectDir, homeDir: join(dataDir, 'cli'), url: url('postgres'), sql })
  } finally {
    await sql.end()
  }
}
