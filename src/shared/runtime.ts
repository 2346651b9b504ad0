import type { Sql } from 'postgres'
import type { Config } from './config.ts'
import { connect } from './db/connection.ts'
import { type LogFields, type Logger, createLogger } from './log.ts'
import type { Metrics } from './metrics.ts'

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
  /** Absent: nobody counts. */
  metrics?: Metrics
  /** Aborts, with `worker_stopping`, when the process has to hand back what it has not finished; absent: it never has to. */
  stopping?: AbortSignal
}

/** What a binding gives to `createRuntime`. */
export interface RuntimeOptions extends Pick<Runtime, 'metrics' | 'stopping'> {
  connections: number
  print: (line: string) => void
  /** Fields of every log line. */
  logFields?: LogFields
}

/** A process's runtime: a pool of `connections`, the platform's own clock and fetch, and a log whose lines go to `print`. */
export function createRuntime(config: Config, { connections, print, logFields, ...rest }: RuntimeOptions): Runtime {
  return {
    ...rest,
    config,
    sql: connect(config.databaseUrl, connections),
    fetch,
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    log: createLogger(config.logLevel, print, Date.now, { environment: config.environment, ...logFields }),
  }
}
