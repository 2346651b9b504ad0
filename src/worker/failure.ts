import { asPatchbayError } from '../shared/failure.ts'

/** Says on stderr why a command could not be done, and makes it exit with 1. */
export function reportFailure(error: unknown): void {
  const failure = asPatchbayError(error)
  process.stderr.write(`${failure.message}${failure.hint ? ` ${failure.hint}` : ''}\n`)
  // Nobody foresaw it: the stack is all there is to go on.
  if (failure.code === 'internal_error' && failure.cause instanceof Error) process.stderr.write(`${failure.cause.stack}\n`)
  process.exitCode = 1
}
