import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSql } from './connection.ts'
import { startApi } from './api.ts'
import type { DatabaseUrl } from './database.ts'
import { startExtensions } from './extensions.ts'
import type { DenoVersion } from './function-process.ts'
import { serveFunctions } from './functions.ts'
import type { Gateway } from './gateway.ts'
import { loadKeys, type Keys } from './keys.ts'
import { storeSecrets } from './vault.ts'

export interface ServiceOptions {
  /** Where keys, logs and caches are. */
  dataDir: string
  /** The folder that contains `supabase/`. */
  projectDir: string
  /** Secrets for the functions, by environment variable. */
  functionEnv?: Readonly<Record<string, string>>
  /** The sandbox, which functions may then reach. */
  sandboxUrl?: string
  /** The providers' hosts, which functions may reach where there is no sandbox. */
  providerHosts?: readonly string[]
  /** Default: `deno`, the newest. */
  denoVersion?: DenoVersion
  /** How long a function may take to answer, in milliseconds. Default: 150,000, as hosted. */
  wallClockMs?: number
}

/** A local Supabase project. */
export interface Platform extends AsyncDisposable {
  /** The gateway: give it to `createClient`. */
  url: string
  /** The database, as the role `postgres`. */
  dbUrl: string
  keys: Keys
  /** Stops everything, in the reverse order of the start. */
  stop(): Promise<void>
}

/** The folder of this project. */
export const ownProjectDir = fileURLToPath(new URL('../..', import.meta.url))

/** Serves REST, Auth and Edge Functions for a database that has its migrations, and runs its cron jobs and HTTP requests. */
export async function startServices(gateway: Gateway, database: DatabaseUrl, options: ServiceOptions): Promise<Platform> {
  const { dataDir, projectDir, denoVersion = 'deno', wallClockMs = 150_000 } = options
  await using started = new AsyncDisposableStack()
  started.defer(() => gateway.close())
  const { url } = gateway
  const dbUrl = database('postgres')
  const keys = await loadKeys(join(dataDir, 'keys.json'))

  await mkdir(join(dataDir, 'logs'), { recursive: true })
  const apiOptions = { restUrl: database('authenticator'), authUrl: database('supabase_auth_admin'), keys, siteUrl: url }
  const api = await startApi(apiOptions, join(dataDir, 'logs/api.log'))
  started.defer(() => api.stop())
  const env = { ...options.functionEnv, ...platformEnv(url, dbUrl, keys) }
  const reachable = [url, dbUrl, ...(options.sandboxUrl === undefined ? [] : [options.sandboxUrl])]
  const allowHosts = [...reachable.map((target) => new URL(target).host), ...(options.providerHosts ?? [])]
  const functions = serveFunctions({ projectDir, dataDir, keys, env, allowHosts, denoVersion, wallClockMs })
  started.defer(() => functions.stop())

  gateway.open({ api: api.fetch, functions: functions.fetch })
  await storeDispatchSecrets(dbUrl, url, keys)
  const extensions = await startExtensions(database('supabase_admin'))
  started.defer(() => extensions.stop())

  const running = started.move()
  const stop = () => running.disposeAsync()
  return { url, dbUrl, keys, stop, [Symbol.asyncDispose]: stop }
}

/** The variables that hosted gives to every function, and the secret that the worker function asks for. */
function platformEnv(url: string, dbUrl: string, keys: Keys): Record<string, string> {
  return {
    SUPABASE_URL: url,
    SUPABASE_DB_URL: dbUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secretKey }),
    SUPABASE_ANON_KEY: keys.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: keys.serviceRoleKey,
    CONNECTOR_WORKER_SECRET: keys.workerSecret,
  }
}

/** What patchbay.dispatch() needs to wake the worker function. */
async function storeDispatchSecrets(dbUrl: string, url: string, keys: Keys): Promise<void> {
  const sql = openSql(dbUrl)
  await storeSecrets(sql, {
    patchbay_functions_url: `${url}/functions/v1`,
    patchbay_worker_secret: keys.workerSecret,
  })
  await sql.end()
}
