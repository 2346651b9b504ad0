import type { ErrorCode } from './contract.ts'

/**
 * The server's codes, and two of the client's own. `network_error`: nothing answered. `unexpected_answer`: something did that is not
 * Patchbay, such as a proxy, or a project whose functions are not deployed.
 */
export type ClientErrorCode = ErrorCode | 'network_error' | 'unexpected_answer'

/** What every function of this package throws. */
export class PatchbayClientError extends Error {
  override readonly name = 'PatchbayClientError'
  /** Stable: decide by this, never by the message. */
  readonly code: ClientErrorCode
  /** What to do next, when the message alone does not say it. */
  readonly hint: string | undefined
  /** HTTP status; undefined when there was no answer, or the failure came in a page's address. */
  readonly status: number | undefined
  /** How long to wait, in seconds, where the server says so. */
  readonly retryAfter: number | undefined

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { hint?: string | undefined; status?: number | undefined; retryAfter?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.status = options.status
    this.retryAfter = options.retryAfter
  }
}
