import { enqueueDue } from '../db/sync-store.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import type { Runtime } from '../runtime.ts'
import type { Budget } from '../sync/run-sync.ts'
import { handlers } from './handlers.ts'
import { type Job, type JobQueue, type QueueName, queueNames } from './queue.ts'

const heartbeatMs = 4_000
const superviseMs = 10_000

export interface DrainOptions {
  queue: JobQueue
  /** Jobs at a time. */
  concurrency: number
  /** What the job that is about to begin may spend. */
  budget: () => Budget
  /** Asked before each job is taken: true ends the drain once the jobs in hand are done. */
  stop: () => boolean
  /** Called when nothing is queued and nothing runs. False ends the drain. */
  idle: () => Promise<boolean>
}

/** Takes and runs jobs until it is told to stop or there are none. The Node worker and the worker function both run this. */
export async function drain(runtime: Runtime, options: DrainOptions): Promise<{ jobs: number }> {
  const { queue } = options
  const inHand = new Map<Job, Promise<void>>()
  let jobs = 0
  let supervisedAt = Number.NEGATIVE_INFINITY
  const heartbeat = setInterval(() => void beat(runtime, queue, [...inHand.keys()]), heartbeatMs)

  try {
    for (;;) {
      let taken: Job[] = []
      try {
        if (runtime.now() - supervisedAt >= superviseMs) {
          await queue.supervise()
          supervisedAt = runtime.now()
        }
        if (!options.stop()) taken = await take(queue, options.concurrency - inHand.size)
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
        // With room left, look again soon: more may be queued while these run.
        const more = inHand.size < options.concurrency && !options.stop() ? [runtime.sleep(500)] : []
        await Promise.race([...inHand.values(), ...more])
        continue
      }
      if (taken.length > 0) continue
      if (options.stop() || !(await options.idle())) return { jobs }
    }
  } finally {
    clearInterval(heartbeat)
    await Promise.allSettled(inHand.values())
  }
}

async function take(queue: JobQueue, room: number): Promise<Job[]> {
  const taken: Job[] = []
  for (const name of queueNames) {
    if (taken.length < room) taken.push(...(await queue.fetch(name, room - taken.length)))
  }
  return taken
}

async function work(runtime: Runtime, options: DrainOptions, job: Job): Promise<void> {
  try {
    const result = await handle(runtime, job, options.budget())
    await options.queue.complete(job)
    if (result === 'again') await enqueueDue(runtime.sql)
  } catch (error) {
    const failure = asPatchbayError(error)
    runtime.log.error('A job failed and will be tried again.', { job: job.name, jobId: job.id, code: failure.code })
    logFailure(runtime.log, failure)
    // If this fails too, the heartbeat runs out and the job is tried again all the same.
    await options.queue.fail(job, { code: failure.code }).catch(() => {})
  }
}

function handle<Name extends QueueName>(runtime: Runtime, job: Job<Name>, budget: Budget): Promise<'done' | 'again'> {
  return handlers[job.name](runtime, job.data, budget)
}

async function beat(runtime: Runtime, queue: JobQueue, jobs: readonly Job[]): Promise<void> {
  try {
    await queue.touch(jobs)
  } catch (error) {
    runtime.log.warn('The heartbeat did not reach the database.', { code: asPatchbayError(error).code })
  }
}
