import { type ErrorCode, PatchbayError, toPatchbayError } from './errors.ts'
import type { Logger } from './log.ts'
import { jsonResponse } from './responses.ts'

/** Anything thrown; failures to reach the database are told from mistakes. */
export function asPatchbayError(error: unknown): PatchbayError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!(error instanceof PatchbayError) && databaseIsAway.test(code)) {
    return new PatchbayError('database_unavailable', 'The database cannot be reached.', { cause: error, hint: 'Try again.' })
  }
  return toPatchbayError(error)
}

/** Whether it is about the process or its database and nothing was tried in vain: the job as a whole is tried again. */
export function interruptsJob({ code }: PatchbayError): boolean {
  return code === 'worker_stopping' || code === 'database_unavailable'
}

/** The error as a caller gets it. What only the operator can mend, and what nobody foresaw, is told in the log. */
export function errorResponse(error: PatchbayError): Response {
  const response = jsonResponse({ error: publicWords(error) }, error.status)
  if (error.retryAfterMs !== undefined) response.headers.set('retry-after', String(Math.ceil(error.retryAfterMs / 1000)))
  return response
}

/** What a user may read of an error. */
export function publicWords(error: PatchbayError): { code: ErrorCode; message: string; hint: string | null } {
  const { message, hint } = isPrivate(error)
    ? { message: 'Patchbay could not do this.', hint: "The operator finds the reason in the function's log." }
    : error
  return { code: error.code, message, hint: hint ?? null }
}

/** Logs a failed request: codes and ids, and of what nobody foresaw the place in the code; never a message that may quote data. */
export function logFailure(log: Logger, error: PatchbayError): void {
  const cause = rootCause(error)
  const at = cause && isPrivate(error) ? firstFrames(cause) : undefined
  const fields = { code: error.code, error: error.message, ...error.context, cause: cause?.name, at }
  switch (error.outcome) {
    case 'rejected':
    case 'reconnect':
      return log.info('A request was refused.', fields)
    case 'transient':
      return log.warn('A request failed for now.', fields)
    case 'contract':
    case 'config':
      return log.error('A request failed.', fields)
  }
}

/**
 * postgres.js's own codes, those of sockets, and the classes "connection exception", "too many connections", "operator intervention",
 * "serialization failure" and "deadlock detected": all of them pass.
 * <https://www.postgresql.org/docs/current/errcodes-appendix.html>
 */
const databaseIsAway =
  /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED)|ECONN\w+|ETIMEDOUT|ENOTFOUND|08\w{3}|53300|57P0[123]|40001|40P01)$/

function isPrivate({ code }: PatchbayError): boolean {
  return code === 'internal_error' || code === 'config_invalid'
}

function rootCause(error: Error): Error | undefined {
  let cause = error.cause
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  return cause instanceof Error ? cause : undefined
}

/** The lines of a stack that name a place: what stands before them is the message. */
function firstFrames({ stack = '' }: Error): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line))
  return frames
    .slice(0, 4)
    .map((line) => line.trim())
    .join(' ')
}
