import { drain } from '../shared/jobs/drain.ts'
import { createJobQueue } from '../shared/jobs/queue.ts'
import type { Runtime } from '../shared/runtime.ts'
import type { Budget } from '../shared/sync/run-sync.ts'

/** A run ends after this long and goes on as another one, so that no endpoint holds a place for ever. */
const runMs = 5 * 60_000
const pollMs = 1_000

/**
 * Works on the queue until `signal` aborts; then the runs in hand end with their current page and go on where they are taken up
 * next. Any number of workers may run beside each other and beside the worker function.
 */
export async function runWorker(runtime: Runtime, signal: AbortSignal): Promise<void> {
  runtime.log.info('The worker is ready.', { concurrency: runtime.config.maxConcurrentSyncs })
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

  const queue = createJobQueue(runtime.config.databaseUrl)
  try {
    const { jobs } = await drain(runtime, {
      queue,
      concurrency: runtime.config.maxConcurrentSyncs,
      budget: () => runBudget(runtime.now() + runMs, signal),
      stop: () => signal.aborted,
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

function runBudget(end: number, signal: AbortSignal): Budget {
  return {
    get deadline() {
      return signal.aborted ? 0 : end
    },
    pages: Number.POSITIVE_INFINITY,
  }
}
