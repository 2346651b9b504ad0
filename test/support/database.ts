import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { inject } from 'vitest'
import { startGateway } from '../../src/local/gateway.ts'
import { ownProjectDir, startServices, type Platform, type ServiceOptions } from '../../src/local/services.ts'

// Connects when it is used, and not for longer.
const admin = postgres(connectionString('supabase_admin', 'template1'), {
  max: 1,
  idle_timeout: 1,
  onnotice: () => {},
  fetch_types: false,
})

/** A database of its own, with all migrations, as an empty hosted project has it. */
export interface TestDatabase extends AsyncDisposable {
  /** As the role `postgres`, which is not a superuser. */
  url: string
  /** A pool on it. */
  sql: Sql
  /** For other roles: `supabase_admin` is the superuser. */
  urlFor(role: string): string
}

/** Copies the migrated database; disposing of it drops the copy, whoever is still connected. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  // Copying files takes 40 ms; the default, which writes the copy to the log, takes ten times as long.
  await admin.unsafe(`create database ${name} template postgres owner postgres strategy file_copy`)
  const urlFor = (role: string) => connectionString(role, name)
  const sql = postgres(urlFor('postgres'), { onnotice: () => {} })
  return {
    url: urlFor('postgres'),
    urlFor,
    sql,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 0 })
      await admin.unsafe(`drop database ${name} with (force)`)
    },
  }
}

export interface TestPlatform extends Platform {
  /** A pool on its database, as the role `postgres`. */
  sql: Sql
}

/** REST, Auth, Edge Functions, cron and pg_net on a database and a port of their own. */
export async function startTestPlatform(options: Partial<ServiceOptions> = {}): Promise<TestPlatform> {
  await using started = new AsyncDisposableStack()
  const database = started.use(await createTestDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'patchbay-test-'))
  started.defer(() => rm(dataDir, { recursive: true, force: true }))
  const gateway = await startGateway(0)
  const platform = started.use(await startServices(gateway, database.urlFor, { projectDir: ownProjectDir, dataDir, ...options }))
  const running = started.move()
  const stop = () => running.disposeAsync()
  return { ...platform, sql: database.sql, stop, [Symbol.asyncDispose]: stop }
}

function connectionString(role: string, database: string): string {
  return `postgresql://${role}:postgres@127.0.0.1:${inject('postgresPort')}/${database}`
}
