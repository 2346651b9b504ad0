import { constants } from 'node:os'
import { PatchbayError } from '../shared/errors.ts'

/** How long the runs in hand have for the page that they are at; a request that takes longer is given up then. */
const pageMs = 7_000

/**
 * The process ends by now, whatever still hangs: a token request, say, whose answer would have been stored. It is taken for dead then, as
 * any worker may be, and what it had is another's when its heartbeat runs out.
 */
const longestMs = 9_000

export interface StopSignals {
  /** Aborts with the first SIGTERM or SIGINT: nothing more is begun. */
  told: AbortSignal
  /** Aborts, with `worker_stopping`, when what is still under way has to be handed back. */
  handBack: AbortSignal
}

/** Ends the process in order with the first SIGTERM or SIGINT, within 10 s, and at once with the second. */
export function listenForStop(): StopSignals {
  const told = new AbortController()
  const handBack = new AbortController()
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (told.signal.aborted) process.exit(128 + constants.signals[signal])
    told.abort()
    setTimeout(() => handBack.abort(new PatchbayError('worker_stopping', handedBack)), pageMs).unref()
    setTimeout(() => process.exit(), longestMs).unref()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return { told: told.signal, handBack: handBack.signal }
}

const handedBack = 'The worker was told to stop. Another one goes on where it was.'
