import { asPatchbayError, logFailure } from '../failure.ts'
import { jsonResponse } from '../responses.ts'
import type { Runtime } from '../runtime.ts'

/** Whoever asks gives up soon, and a database that takes longer is of no use to a sync either. In milliseconds. */
const patienceMs = 3_000

/** Whether work can be done at all; no more than that, as anybody may ask. */
export interface Health {
  status: 'ok' | 'unavailable'
  database: 'ok' | 'unavailable'
  /** Of a worker: whether it still takes turns. */
  loop?: 'ok' | 'stalled'
}

/** Asks the database for one row. */
export async function health(runtime: Runtime): Promise<Health> {
  const database = await databaseState(runtime)
  return { status: database, database }
}

/** The answer of `GET /health`: 200, or 503 when nothing can be done now. */
export function healthResponse(health: Health): Response {
  return jsonResponse(health, health.status === 'ok' ? 200 : 503)
}

async function databaseState(runtime: Runtime): Promise<Health['database']> {
  const asked = runtime.sql`select 1`.then(
    () => 'ok' as const,
    (error: unknown) => {
      logFailure(runtime.log, asPatchbayError(error))
      return 'unavailable' as const
    },
  )
  return Promise.race([asked, runtime.sleep(patienceMs).then(() => 'unavailable' as const)])
}
