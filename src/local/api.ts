import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { proxy } from 'hono/proxy'
import type { Keys } from './keys.ts'
import { noTelemetry } from './telemetry.ts'

/** The Data API (`/rest/v1`) and Auth (`/auth/v1`). */
export interface Api {
  fetch(request: Request): Promise<Response>
  stop(): Promise<void>
}

export interface ApiOptions {
  /** The database, as hosted's PostgREST and Auth log in: `authenticator` and `supabase_auth_admin`. */
  restUrl: string
  authUrl: string
  keys: Keys
  /** Where Auth sends users back to when a request names no address. */
  siteUrl: string
}

/**
 * Starts Supabase Lite on a database that has its migrations: it reads the schema on the first request and keeps it. Only the schema
 * `public` is exposed; sign-ups need no confirmed address.
 * @param logPath gets what Lite prints, such as every refused statement
 */
export async function startApi(options: ApiOptions, logPath: string): Promise<Api> {
  // A thread of its own, because Lite writes to the console, and so that its work does not delay the rest.
  const worker = new Worker(new URL('./api-worker.ts', import.meta.url), {
    workerData: options,
    env: noTelemetry,
    execArgv: [],
    stdout: true,
    stderr: true,
  })
  const log = createWriteStream(logPath, { flags: 'a' })
  worker.stdout.pipe(log, { end: false })
  worker.stderr.pipe(log, { end: false })
  const [port] = (await once(worker, 'message')) as [number]
  worker.on('error', (error) => log.write(`${error.stack}\n`))
  return {
    fetch(request) {
      const { pathname, search } = new URL(request.url)
      return proxy(`http://127.0.0.1:${port}${pathname}${search}`, { raw: request })
    },
    async stop() {
      await worker.terminate()
      log.end()
    },
  }
}
