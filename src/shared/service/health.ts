import { limitAddress } from '../api/limiter.ts'
import { PatchbayError } from '../errors.ts'
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

/** The Edge Function `health`. Counted beside the question, as the count is kept by the database that may not answer. */
export async function handleHealth(request: Request, runtime: Runtime): Promise<Response> {
  const counted = limitAddress(runtime, request)
  counted.catch(() => {})
  const answer = await health(runtime)
  if (answer.status === 'ok') await counted
  return healthResponse(answer)
}

/** The answer of `GET /health`: 200, or 503 when nothing can be done now. */
export function healthResponse(health: Health): Response {
  return jsonResponse(health, health.status === 'ok' ? 200 : 503)
}

/** What the database answers, unless it takes too long. Throws `database_unavailable`. */
export async function answerInTime<T>({ sleep }: Pick<Runtime, 'sleep'>, asked: Promise<T>): Promise<T> {
  const late = sleep(patienceMs).then(() => {
    throw new PatchbayError('database_unavailable', 'The database does not answer in time.', { hint: 'Try again.' })
  })
  return Promise.race([asked, late])
}

async function databaseState(runtime: Runtime): Promise<Health['database']> {
  try {
    await answerInTime(runtime, runtime.sql`select 1`)
    return 'ok'
  } catch (error) {
    logFailure(runtime.log, asPatchbayError(error))
    return 'unavailable'
  }
}
