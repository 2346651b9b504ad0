import { enqueueDue } from '../db/sync-store.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import type { JobOutcome } from '../metrics.ts'
import type { Runtime } from '../runtime.ts'
import type { Budget } from '../sync/run-sync.ts'
import { handlers } from './handlers.ts'
import type { Job, JobQueue, QueueName } from './queue.ts'
import { take } from './take.ts'

const heartbeatMs = 4_000
const superviseMs = 10_000
/** While jobs run: there may be room for more, or dead workers' jobs to take back. */
const turnMs = 500

export interface DrainOptions {
  queue: JobQueue
  /** Syncs at a time. */
  concurrency: number
  /** What the job that is about to begin may spend. */
  budget: () => Budget
  /** Asked at every turn, twice a second while jobs run: true ends the drain once the jobs in hand are done. */
  stop: () => boolean
  /** Called when nothing is queued and nothing runs. False ends the drain. */
  idle: () => Promise<boolean>
}

/** Takes and runs jobs until it is told to stop or there are none. The Node worker and the worker function both run this. */
export async function drain(runtime: Runtime, options: DrainOptions): Promise<{ jobs: number }> {
  const { queue } = options
  const inHand = new Map<Job, Promise<void>>()
  let jobs = 0
  let turns = 0
  let supervisedAt = Number.NEGATIVE_INFINITY
  const heartbeat = setInterval(() => void beat(runtime, queue, [...inHand.keys()]), heartbeatMs)

  try {
    for (;;) {
      const taken: Job[] = []
      const wasBusy = inHand.size > 0
      const stopping = options.stop()
      try {
        if (runtime.now() - supervisedAt >= superviseMs) {
          await queue.supervise()
          supervisedAt = runtime.now()
        }
        if (!stopping) {
          for await (const some of take(queue, options.concurrency, [...inHand.keys()], (turns += 1))) taken.push(...some)
        }
      } catch (error) {
        // A database that is away comes back; whoever may wait, waits for it in `idle`.
        logFailure(runtime.log, asPatchbayError(error))
      }
      for (const job of taken) {
        jobs += 1
        inHand.set(
          job,
          work(runtime, options, job).finally(() => inHand.delete(job)),
        )
      }
      if (inHand.size > 0) {
        await Promise.race([...inHand.values(), runtime.sleep(turnMs)])
        continue
      }
      // What was in hand until a moment ago may have left no room for what waits.
      if (taken.length > 0 || wasBusy) continue
      if (stopping || !(await options.idle())) return { jobs }
    }
  } finally {
    clearInterval(heartbeat)
    await Promise.allSettled(inHand.values())
  }
}

async function work(runtime: Runtime, options: DrainOptions, job: Job): Promise<void> {
  const begunAt = runtime.now()
  const outcome = await attempt(runtime, options, job)
  runtime.metrics?.jobEnded({ queue: job.name, outcome, ms: runtime.now() - begunAt })
}

async function attempt(runtime: Runtime, options: DrainOptions, job: Job): Promise<JobOutcome> {
  try {
    const result = await handle(runtime, job, options.budget())
    await options.queue.complete(job)
    if (result === 'again') await enqueueDue(runtime.sql)
    return 'done'
  } catch (error) {
    const failure = asPatchbayError(error)
    const fields = { job: job.name, jobId: job.id, code: failure.code }
    const handedBack = failure.code === 'worker_stopping'
    if (handedBack) runtime.log.info('A job was handed back.', fields)
    else {
      runtime.log.error('A job failed and will be tried again.', fields)
      logFailure(runtime.log, failure)
    }
    // If this fails too, the heartbeat runs out and the job is tried again all the same.
    await options.queue.fail(job, { code: failure.code }).catch(() => {})
    return handedBack ? 'handed-back' : 'failed'
  }
}

function handle<Name extends QueueName>(runtime: Runtime, job: Job<Name>, budget: Budget): Promise<'done' | 'again'> {
  return handlers[job.name](runtime, job.data, budget, job.id)
}

async function beat(runtime: Runtime, queue: JobQueue, jobs: readonly Job[]): Promise<void> {
  try {
    await queue.touch(jobs)
  } catch (error) {
    runtime.log.warn('The heartbeat did not reach the database.', { code: asPatchbayError(error).code })
  }
}
