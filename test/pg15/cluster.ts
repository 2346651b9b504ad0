import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startChild } from '../../src/local/child.ts'
import { serverAccount } from '../../src/local/postgres-account.ts'
import { freePort } from '../../src/local/ports.ts'

/** Debian's. */
export const binDir = '/usr/lib/postgresql/15/bin'
const extensionDir = '/usr/share/postgresql/15/extension'

/** What the checks need, by the Debian package that has it. */
const needed = {
  'postgresql-15': `${binDir}/postgres`,
  'postgresql-15-cron': `${extensionDir}/pg_cron.control`,
  'postgresql-15-pgtap': `${extensionDir}/pgtap.control`,
  'postgresql-15-plpgsql-check': `${extensionDir}/plpgsql_check.control`,
  'libtap-parser-sourcehandler-pgtap-perl': '/usr/bin/pg_prove',
}

/** Debian packages that are not installed. */
export function missingPackages(): string[] {
  return Object.entries(needed).flatMap(([name, path]) => (existsSync(path) ? [] : [name]))
}

/** Debian's PostgreSQL 15 with pg_cron loaded, on a data directory that goes with it. */
export interface Cluster extends AsyncDisposable {
  port: number
  /** A connection string for `postgres` (no superuser) or `supabase_admin` (superuser). */
  url: (role: string) => string
  /** For what else the checks write. */
  dir: string
}

export async function startCluster(): Promise<Cluster> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'patchbay-pg15-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const account = serverAccount([tmpdir(), binDir])
  const [dataDir, passwordFile] = [join(dir, 'data'), join(dir, 'password')]
  await mkdir(dataDir, { mode: 0o700 })
  await writeFile(passwordFile, 'postgres')
  const { uid, gid } = account
  if (uid !== undefined && gid !== undefined) for (const path of [dir, dataDir, passwordFile]) await chown(path, uid, gid)
  const owner = uid === undefined || gid === undefined ? {} : { uid, gid }
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' }

  const login = ['--username=supabase_admin', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--lc-messages=C']
  await promisify(execFile)(`${binDir}/initdb`, [`--pgdata=${dataDir}`, ...login, ...locale, '--no-sync'], {
    env,
    cwd: '/',
    ...owner,
  })

  const port = await freePort(0)
  const logPath = join(dir, 'postgres.log')
  const log = await open(logPath, 'a')
  const server = await startChild({
    command: `${binDir}/postgres`,
    args: ['-D', dataDir, '-p', String(port), ...settings],
    env,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
    orphanSignal: 'SIGINT',
    ...owner,
  })
  started.defer(() => server.stop('SIGINT', 10_000))
  await log.close()
  while (!(await isReady(dataDir))) {
    if (server.hasExited()) throw new Error(`PostgreSQL 15 did not start:\n${await readFile(logPath, 'utf8')}`)
    await sleep(20)
  }

  const running = started.move()
  return {
    port,
    dir,
    url: (role) => `postgresql://${role}:postgres@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const settings = Object.entries({
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  fsync: 'off',
  shared_preload_libraries: 'pg_cron',
  'cron.database_name': 'postgres',
  // Else pg_cron logs in like a client, for which it would need a password file.
  'cron.use_background_workers': 'on',
  max_worker_processes: '16',
}).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** The last line of the lock file is the server's state. */
async function isReady(dataDir: string): Promise<boolean> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')
  return text.trimEnd().endsWith('ready')
}
