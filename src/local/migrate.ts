import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Sql } from 'postgres'
import { noTelemetry } from './telemetry.ts'

export interface MigrateOptions {
  /** The folder that contains `supabase/`. */
  projectDir: string
  /** Where the CLI may keep its own files. */
  homeDir: string
  /** The database, as the role `postgres`. */
  url: string
  /** A connection to the same database. */
  sql: Sql
}

/**
 * Applies `supabase/migrations` with the Supabase CLI, as a deploy would; one query when there is nothing new. Throws when the database
 * has a migration that the folder does not, and with the CLI's own words when one fails.
 */
export async function migrate({ projectDir, homeDir, url, sql }: MigrateOptions): Promise<void> {
  const available = await availableVersions(projectDir)
  const applied = await appliedVersions(sql)
  const unknown = applied.filter((version) => !available.includes(version))
  if (unknown.length > 0) {
    throw new Error(
      `The local database has migrations that supabase/migrations does not: ${unknown.join(', ')}. ` +
        'Begin again with an empty database: npm run reset',
    )
  }
  const fingerprintFile = join(homeDir, 'applied-migrations.json')
  const fingerprints = await fingerprintsOf(projectDir)
  const before = await readFingerprints(fingerprintFile)
  const edited = applied.filter((version) => before[version] !== undefined && before[version] !== fingerprints[version])
  if (edited.length > 0) {
    throw new Error(
      `These migrations were changed after the local database got them: ${edited.join(', ')}. ` +
        'Begin again with an empty database: npm run reset',
    )
  }
  await mkdir(homeDir, { recursive: true })
  if (!available.every((version) => applied.includes(version))) await push({ projectDir, homeDir, url })
  await writeFile(fingerprintFile, JSON.stringify(fingerprints))
}

async function push({ projectDir, homeDir, url }: Omit<MigrateOptions, 'sql'>): Promise<void> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('supabase/package.json')), 'dist/supabase.js')
  const args = [cli, 'db', 'push', '--yes', `--workdir=${projectDir}`, `--remote=${url}?sslmode=disable`]
  const env = { ...noTelemetry, HOME: homeDir, PATH: process.env['PATH'] ?? '', NO_COLOR: '1' }
  try {
    await promisify(execFile)(process.execPath, args, { env, cwd: projectDir })
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string }
    throw new Error(`A migration failed. The Supabase CLI says:\n${stdout ?? ''}${stderr ?? ''}`.trimEnd(), { cause })
  }
}

/** The hash of each migration file, by version. */
async function fingerprintsOf(projectDir: string): Promise<Record<string, string>> {
  const fingerprints: Record<string, string> = {}
  for (const { version, path } of await migrationFiles(projectDir)) {
    fingerprints[version] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return fingerprints
}

async function readFingerprints(path: string): Promise<Record<string, string>> {
  // Absent or cut off: nothing is known, and nothing is lost.
  const text = await readFile(path, 'utf8').catch(() => '{}')
  try {
    return JSON.parse(text) as Record<string, string>
  } catch {
    return {}
  }
}

async function migrationFiles(projectDir: string): Promise<{ version: string; path: string }[]> {
  const folder = join(projectDir, 'supabase/migrations')
  const names = await readdir(folder).catch(() => [])
  return names.flatMap((name) => {
    const version = name.match(/^(\d+)_.*\.sql$/)?.[1]
    return version === undefined ? [] : [{ version, path: join(folder, name) }]
  })
}

async function availableVersions(projectDir: string): Promise<string[]> {
  return (await migrationFiles(projectDir)).map(({ version }) => version)
}

async function appliedVersions(sql: Sql): Promise<string[]> {
  const [table] = await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as exists`
  if (table?.['exists'] !== true) return []
  const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations order by version`
  return rows.map((row) => row.version)
}
