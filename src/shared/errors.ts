/**
 * Errors are sorted by what the runner does next, not by where they came from.
 *
 * - `transient`: try again, after `retryAfterMs` when it is given
 * - `reconnect`: only the owner of the integration can mend it
 * - `rejected`: the caller's mistake; the same call fails again
 * - `contract`: the provider answered something that we do not understand
 * - `config`: the operator's mistake
 */
export type Outcome = 'transient' | 'reconnect' | 'rejected' | 'contract' | 'config'

/** Every error code: what happens next, and the HTTP status that our own routes answer with. */
export const errorCodes = {
  // Our own callers.
  invalid_request: { outcome: 'rejected', status: 400 },
  unauthorized: { outcome: 'rejected', status: 401 },
  forbidden: { outcome: 'rejected', status: 403 },
  not_found: { outcome: 'rejected', status: 404 },
  method_not_allowed: { outcome: 'rejected', status: 405 },
  unknown_provider: { outcome: 'rejected', status: 404 },
  redirect_not_allowed: { outcome: 'rejected', status: 400 },
  rate_limited: { outcome: 'transient', status: 429 },
  // The authorization flow.
  access_denied: { outcome: 'rejected', status: 403 },
  state_invalid: { outcome: 'rejected', status: 400 },
  browser_mismatch: { outcome: 'rejected', status: 403 },
  issuer_mismatch: { outcome: 'rejected', status: 400 },
  code_rejected: { outcome: 'rejected', status: 400 },
  missing_scope: { outcome: 'reconnect', status: 403 },
  account_mismatch: { outcome: 'rejected', status: 409 },
  // Credentials.
  needs_reauth: { outcome: 'reconnect', status: 409 },
  not_connected: { outcome: 'reconnect', status: 409 },
  token_undecryptable: { outcome: 'config', status: 500 },
  refresh_failed: { outcome: 'transient', status: 503 },
  refresh_timeout: { outcome: 'transient', status: 503 },
  client_rejected: { outcome: 'config', status: 500 },
  // Provider answers.
  provider_unreachable: { outcome: 'transient', status: 502 },
  provider_unavailable: { outcome: 'transient', status: 502 },
  provider_rate_limited: { outcome: 'transient', status: 503 },
  provider_unauthorized: { outcome: 'reconnect', status: 409 },
  provider_forbidden: { outcome: 'rejected', status: 403 },
  app_not_installed: { outcome: 'rejected', status: 403 },
  tenant_required: { outcome: 'rejected', status: 409 },
  provider_not_found: { outcome: 'rejected', status: 404 },
  provider_rejected: { outcome: 'rejected', status: 400 },
  provider_answer_invalid: { outcome: 'contract', status: 502 },
  provider_answer_too_large: { outcome: 'contract', status: 502 },
  host_not_allowed: { outcome: 'contract', status: 502 },
  cursor_expired: { outcome: 'transient', status: 409 },
  // Runs.
  worker_stopping: { outcome: 'transient', status: 503 },
  run_superseded: { outcome: 'transient', status: 409 },
  mass_delete_stopped: { outcome: 'rejected', status: 409 },
  endpoint_paused: { outcome: 'rejected', status: 409 },
  nothing_to_confirm: { outcome: 'rejected', status: 409 },
  // The installation.
  config_invalid: { outcome: 'config', status: 500 },
  database_unavailable: { outcome: 'transient', status: 503 },
  internal_error: { outcome: 'contract', status: 500 },
} as const satisfies Record<string, { outcome: Outcome; status: number }>

export type ErrorCode = keyof typeof errorCodes

/** Facts that an error may carry. Typed, so that a token or a body has nowhere to go. */
export interface ErrorContext {
  provider?: string
  integrationId?: string
  endpointId?: string
  field?: string
  /** HTTP status of the provider's answer. */
  status?: number
  /** The provider's own error code, such as `invalid_grant` or `userRateLimitExceeded`. */
  reason?: string
  host?: string
}

interface ErrorOptions {
  cause?: unknown
  context?: ErrorContext
  /** What to do next, when the message alone does not say it. */
  hint?: string
  /** How long the provider asked us to wait, in milliseconds. */
  retryAfterMs?: number
}

/** The one error class: a stable code, a sentence for a person, and a context that cannot hold a secret. */
export class PatchbayError extends Error {
  override readonly name = 'PatchbayError'
  readonly code: ErrorCode
  readonly context: ErrorContext
  readonly hint: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.context = options.context ?? {}
    this.hint = options.hint
    this.retryAfterMs = options.retryAfterMs
  }

  get outcome(): Outcome {
    return errorCodes[this.code].outcome
  }

  get status(): number {
    return errorCodes[this.code].status
  }
}

/** Anything thrown, as a PatchbayError: what is already one stays as it is. */
export function toPatchbayError(error: unknown): PatchbayError {
  if (error instanceof PatchbayError) return error
  return new PatchbayError('internal_error', 'Something went wrong inside Patchbay.', { cause: error })
}
