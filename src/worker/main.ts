import { readFileSync } from 'node:fs'
import { connect } from '../shared/db/connection.ts'
import { readConfig } from '../shared/config.ts'
import { asPatchbayError } from '../shared/failure.ts'
import { createLogger } from '../shared/log.ts'
import { settleRefreshes } from '../shared/oauth/tokens.ts'
import type { Runtime } from '../shared/runtime.ts'
import { runWorker } from './worker.ts'

// The entry of `npm run worker`: reads the environment, works until SIGINT or SIGTERM.
const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
process.once('SIGTERM', () => stopping.abort())

try {
  const config = readConfig(withCredentialsFile(process.env))
  const log = createLogger(config.logLevel, (line) => process.stdout.write(`${line}\n`), Date.now)
  const sql = connect(config.databaseUrl, config.maxConcurrentSyncs + 3)
  const runtime: Runtime = {
    config,
    sql,
    fetch,
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log,
  }
  await runWorker(runtime, stopping.signal)
  await settleRefreshes(runtime)
  await sql.end({ timeout: 5 })
} catch (error) {
  const failure = asPatchbayError(error)
  process.stderr.write(`${failure.message}${failure.hint ? ` ${failure.hint}` : ''}\n`)
  if (failure.code === 'internal_error') process.stderr.write(`${String(failure.cause)}\n`)
  process.exitCode = 1
}

/** The service account's key comes as a path here; the shared code takes its content, because an Edge Function has no files. */
function withCredentialsFile(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const path = env['CONNECTOR_GOOGLE_DRIVE_CREDENTIALS_PATH']
  if (!path) return env
  return { ...env, CONNECTOR_GOOGLE_DRIVE_CREDENTIALS: readFileSync(path, 'utf8') }
}
