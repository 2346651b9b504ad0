import { connect } from '../../src/shared/db/connection.ts'
import { tokenSource } from '../../src/shared/oauth/tokens.ts'
import { createRuntime, testProvider } from './support.ts'

/** What the parent sends to begin. */
export interface StampedeOrder {
  env: Record<string, string>
  databaseUrl: string
  integrationId: string
  callers: number
}

/** What one process reports: the token or the error code that each caller got, and when the last one was served. */
export interface StampedeReport {
  served: Record<string, number>
  ms: number
}

// One of several processes that all need the same expired token at the same time.
process.once('message', (order: StampedeOrder) => void run(order))
process.send?.('ready')

async function run({ env, databaseUrl, integrationId, callers }: StampedeOrder): Promise<void> {
  const sql = connect(databaseUrl, 3)
  const runtime = createRuntime(sql, env)
  const startedAt = performance.now()
  const results = await Promise.all(
    Array.from({ length: callers }, () =>
      tokenSource(runtime, testProvider, integrationId)
        .get()
        .then(
          (token) => `${token.accessToken} version ${token.version}`,
          (error: unknown) => String(error),
        ),
    ),
  )
  const served: Record<string, number> = {}
  for (const result of results) served[result] = (served[result] ?? 0) + 1
  const report: StampedeReport = { served, ms: performance.now() - startedAt }
  process.send?.(report)
  await sql.end()
  process.disconnect()
}
