import { createHash } from 'node:crypto'
import { connect } from '../../src/shared/db/connection.ts'
import { tokenSource } from '../../src/shared/oauth/tokens.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import { createRuntime } from '../oauth/support.ts'

/** What the parent sends; several orders may be under way. */
export interface StampedeOrder {
  number: number
  env: Record<string, string>
  databaseUrl: string
  providerId: string
  integrationId: string
  callers: number
}

/** What one process reports of an order. */
export interface StampedeReport {
  number: number
  /** How many callers got which token, by its version and SHA-256; or which error. */
  served: Record<string, number>
  /** Until the last one was served. */
  ms: number
  /** What was logged at debug level. */
  logged: string
}

// One of several processes whose callers all need the same expired token at the same time.
process.on('message', (order: StampedeOrder) => void run(order))
process.send?.('ready')

async function run({ number, env, databaseUrl, providerId, integrationId, callers }: StampedeOrder): Promise<void> {
  const sql = connect(databaseUrl, 2)
  const runtime = createRuntime(sql, env)
  const definition = findProvider(providerId)
  const startedAt = performance.now()
  const results = await Promise.all(
    Array.from({ length: callers }, () =>
      tokenSource(runtime, definition, integrationId)
        .get()
        .then(
          ({ accessToken, version }) => `version ${version} ${createHash('sha256').update(accessToken).digest('hex')}`,
          (error: unknown) => String(error),
        ),
    ),
  )
  const ms = performance.now() - startedAt
  const served: Record<string, number> = {}
  for (const result of results) served[result] = (served[result] ?? 0) + 1
  process.send?.({ number, served, ms, logged: runtime.logged() } satisfies StampedeReport)
  await sql.end()
}
