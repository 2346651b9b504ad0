import { dispatch } from '../db/sync-store.ts'
import type { Runtime } from '../runtime.ts'
import type { Budget } from '../sync/run-sync.ts'
import { drain } from './drain.ts'
import { createJobQueue } from './queue.ts'

/**
 * An Edge Function has 150 s of wall clock and 2 s of CPU; a page of 1,000 files costs about 20 ms of CPU.
 * <https://supabase.com/docs/guides/functions/limits>
 */
const wallClockMs = 100_000
const pagesPerInvocation = 50

/**
 * Drains the queue for as long as one invocation may, one job at a time. If the budget ends it, the scheduler's tick is run, which
 * wakes the next invocation for what is left.
 */
export async function drainForOneInvocation(runtime: Runtime): Promise<{ jobs: number }> {
  const budget: Budget = { deadline: runtime.now() + wallClockMs, pages: pagesPerInvocation }
  const spent = (): boolean => budget.pages <= 0 || runtime.now() >= budget.deadline
  const result = await drain(runtime, {
    queue: createJobQueue(runtime.sql),
    concurrency: 1,
    budget: () => budget,
    stop: spent,
    idle: async () => false,
  })
  if (spent()) await dispatch(runtime.sql)
  return result
}
