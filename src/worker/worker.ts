import { drain } from '../shared/jobs/drain.ts'
import { createJobQueue } from '../shared/jobs/queue.ts'
import type { Runtime } from '../shared/runtime.ts'
import type { Budget } from '../shared/sync/run-sync.ts'

/** A run ends after this long and goes on as another one, so that no endpoint holds a place for ever. */
const runMs = 5 * 60_000
const pollMs = 1_000

/** The loop takes a turn every second at least; one that took none for so long waits for something that will not come. */
const stalledMs = 60_000

export interface Worker {
  /**
   * Works on the queue until it is told to stop; then the runs in hand end with their current page and go on where they are taken up
   * next. Any number of workers may run beside each other and beside the worker function.
   */
  run: () => Promise<void>
  /** False: its loop is stuck. */
  isAlive: () => boolean
}

/** A worker that stops when `told` aborts. */
export function createWorker(runtime: Runtime, told: AbortSignal): Worker {
  const stopped = new Promise<void>((resolve) => told.addEventListener('abort', () => resolve(), { once: true }))
  let turnedAt = runtime.now()
  let heard = false

  const run = async (): Promise<void> => {
    const queue = createJobQueue(runtime.config.databaseUrl)
    try {
      const { jobs } = await drain(runtime, {
        queue,
        concurrency: runtime.config.maxConcurrentSyncs,
        budget: () => runBudget(runtime.now() + runMs, told),
        stop: () => {
          turnedAt = runtime.now()
          if (told.aborted && !heard) runtime.log.info('No further job is taken.')
          heard = told.aborted
          return heard
        },
        idle: async () => {
          await Promise.race([runtime.sleep(pollMs), stopped])
          return true
        },
      })
      runtime.log.info('The worker has stopped.', { jobs })
    } finally {
      await queue.close()
    }
  }
  return { run, isAlive: () => runtime.now() - turnedAt < stalledMs }
}

function runBudget(end: number, signal: AbortSignal): Budget {
  return {
    get deadline() {
      return signal.aborted ? 0 : end
    },
    pages: Number.POSITIVE_INFINITY,
  }
}
