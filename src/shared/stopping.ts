import { toPatchbayError } from './errors.ts'
import type { Runtime } from './runtime.ts'

/** Waits `ms` milliseconds; throws `worker_stopping` as soon as the process has to hand back what it does. */
export function pause(runtime: Pick<Runtime, 'sleep' | 'stopping'>, ms: number): Promise<void> {
  return orStop(runtime, runtime.sleep(ms))
}

/** What `work` gives; throws `worker_stopping` as soon as the process has to hand back what it does, and leaves `work` to itself. */
export async function orStop<T>({ stopping }: Pick<Runtime, 'stopping'>, work: Promise<T>): Promise<T> {
  if (!stopping) return work
  let stop = noop
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(toPatchbayError(stopping.reason))
    stopping.addEventListener('abort', stop)
  })
  if (stopping.aborted) stop()
  return Promise.race([work, stopped]).finally(() => stopping.removeEventListener('abort', stop))
}

function noop(): void {}
