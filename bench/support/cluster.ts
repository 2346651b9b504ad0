import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { prepareDatabase } from '../../src/local/database.ts'
import { startPostgres } from '../../src/local/postgres.ts'
import { ownProjectDir } from '../../src/local/services.ts'

/** One Postgres, as durable as it is by default. */
export interface Cluster extends AsyncDisposable {
  version: string
  /** Copies a database that nobody is connected to; without one, a project that has its migrations and no rows. */
  createDatabase(template?: string): Promise<BenchDatabase>
}

/** Disposing of it drops it, whoever is connected. */
export interface BenchDatabase extends AsyncDisposable {
  name: string
  /** Roles: `postgres`, which owns the tables, and `supabase_admin`, the superuser. */
  url(role: string): string
  /** Runs `work` on one connection as the superuser. */
  query<T>(work: (sql: Sql) => Promise<T>): Promise<T>
}

/** Starts Postgres on a new data directory in `dir`. */
export async function startCluster(dir: string): Promise<Cluster> {
  await using started = new AsyncDisposableStack()
  const server = await startPostgres({ dir: join(dir, 'postgres'), port: 0, durable: true })
  started.defer(() => server.stop())
  await prepareDatabase((role) => server.url(role, 'postgres'), ownProjectDir, dir)
  const admin = oneConnection(server.url('supabase_admin', 'template1'))
  started.defer(() => admin.end())
  const [row] = await admin<[{ server_version: string }]>`show server_version`

  let databases = 0
  const running = started.move()
  return {
    version: row.server_version,
    async createDatabase(template = 'postgres') {
      databases += 1
      const name = `bench_${databases}`
      // Copying files begins and ends with a checkpoint, so whatever is measured next starts from the same state.
      await admin.unsafe(`create database ${name} template ${template} owner postgres strategy file_copy`)
      const url = (role: string) => server.url(role, name)
      return {
        name,
        url,
        query: (work) => withConnection(url('supabase_admin'), work),
        [Symbol.asyncDispose]: async () => void (await admin.unsafe(`drop database ${name} with (force)`)),
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function withConnection<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = oneConnection(url)
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

function oneConnection(url: string): Sql {
  return postgres(url, { max: 1, onnotice: () => {}, fetch_types: false })
}
