import type { Sql } from 'postgres'
import type { Config } from './config.ts'
import type { Logger } from './log.ts'

/** All that the shared code takes from outside. A binding makes one per process; tests replace what they need. */
export interface Runtime {
  config: Config
  sql: Sql
  fetch: typeof fetch
  /** Milliseconds since the epoch. */
  now: () => number
  /** Resolves after `ms` milliseconds. */
  sleep: (ms: number) => Promise<void>
  log: Logger
}
