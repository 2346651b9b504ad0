import { dispatch } from '../db/sync-store.ts'
import { logFailure, asPatchbayError } from '../failure.ts'
import { settleRefreshes } from '../oauth/refresh.ts'
import type { Runtime } from '../runtime.ts'
import type { Budget } from '../sync/run-sync.ts'
import { drain } from './drain.ts'
import { createJobQueue } from './queue.ts'

/**
 * An Edge Function has 150 s of wall clock and 2 s of CPU; a page of 1,000 files costs about 20 ms of CPU, and one that is begun in the
 * last moment may take another 90 s with its retries.
 * <https://supabase.com/docs/guides/functions/limits>
 */
const wallClockMs = 50_000
const pagesPerInvocation = 50

let draining: Promise<void> | undefined

/**
 * Answers the scheduler at once and drains the queue meanwhile; `inBackground` keeps the isolate alive for it. An isolate drains once
 * at a time: being woken while it does changes nothing.
 */
export function wakeWorker(runtime: Runtime, inBackground: (work: Promise<void>) => void): Response {
  if (!draining) {
    draining = drainForOneInvocation(runtime)
      .catch((error: unknown) => logFailure(runtime.log, asPatchbayError(error)))
      .finally(() => {
        draining = undefined
      })
    inBackground(draining)
  }
  return Response.json({ status: 'working' }, { status: 202 })
}

/** One job at a time, for as long as one invocation may; what is left then wakes the next one. */
async function drainForOneInvocation(runtime: Runtime): Promise<void> {
  const budget: Budget = { deadline: runtime.now() + wallClockMs, pages: pagesPerInvocation }
  const spent = (): boolean => budget.pages <= 0 || runtime.now() >= budget.deadline
  const queue = createJobQueue(runtime.config.databaseUrl)
  try {
    await drain(runtime, { queue, concurrency: 1, budget: () => budget, stop: spent, idle: async () => false })
  } finally {
    await queue.close()
  }
  await settleRefreshes(runtime)
  if (spent()) await dispatch(runtime.sql)
}
