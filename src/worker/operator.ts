import { createLogger } from '../shared/log.ts'
import type { Runtime } from '../shared/runtime.ts'
import { reportFailure } from './failure.ts'
import { refusalOf } from './refusal.ts'
import { openRuntime } from './runtime.ts'

/**
 * Does an operator's command in the environment's project, on so many connections. What it refuses is said on stderr, and the process
 * exits with 1. stdout is the command's own; of the log only what nobody foresaw is shown, or all of it at the level debug.
 */
export async function asOperator(
  connections: number,
  work: (runtime: Runtime) => Promise<void>,
  stopping?: AbortSignal,
): Promise<void> {
  try {
    const runtime = openRuntime(() => connections, stopping && { stopping })
    const level = runtime.config.logLevel === 'debug' ? 'debug' : 'error'
    const log = createLogger(level, (line) => process.stderr.write(`${line}\n`), runtime.now)
    try {
      await work({ ...runtime, log })
    } finally {
      await runtime.sql.end({ timeout: 5 })
    }
  } catch (error) {
    reportFailure(refusalOf(error))
  }
}

/** Prints a command's result: as JSON when that was asked for. */
export function print(json: boolean, result: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(result) : text}\n`)
}
