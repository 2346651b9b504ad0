import type { Sql } from 'postgres'
import type { Config } from './config.ts'
import { connect } from './db/connection.ts'
import { type Logger, createLogger } from './log.ts'

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

/** A process's runtime: a pool of `connections`, the platform's own clock and fetch, and a log whose lines go to `print`. */
export function createRuntime(config: Config, options: { connections: number; print: (line: string) => void }): Runtime {
  return {
    config,
    sql: connect(config.databaseUrl, options.connections),
    fetch,
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log: createLogger(config.logLevel, options.print, Date.now),
  }
}
