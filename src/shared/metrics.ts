import type { QueueName } from './jobs/queue.ts'
import type { RunOutcome } from './sync/run-sync.ts'

/**
 * What a process does, told to whoever counts it. Every text is one of a few: no user, no endpoint and no address comes here. Times are in
 * milliseconds.
 */
export interface Metrics {
  /** A request to a provider's API was answered, or was not. */
  requestSent: (request: { provider: string; answer: AnswerClass; ms: number }) => void
  tokenRefreshed: (refresh: { provider: string; outcome: 'ok' | 'failed' }) => void
  pageMerged: (rows: { inserted: number; updated: number; deleted: number }) => void
  runEnded: (run: { outcome: RunOutcome; ms: number }) => void
  jobEnded: (job: { queue: QueueName; outcome: JobOutcome; ms: number }) => void
}

export type JobOutcome = 'done' | 'failed' | 'handed-back'

export const answerClasses = ['2xx', '3xx', '4xx', '429', '5xx', 'none'] as const

/** `429`: asked to slow down, which is no mistake of the request. `none`: no whole answer. */
export type AnswerClass = (typeof answerClasses)[number]

/** The class of an answer with this HTTP status; undefined: there was none. */
export function answerClass(status: number | undefined): AnswerClass {
  if (status === 429) return '429'
  return answerClasses.find((name) => name === `${Math.floor((status ?? 0) / 100)}xx`) ?? 'none'
}
