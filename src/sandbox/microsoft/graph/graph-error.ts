import { randomUUID } from 'node:crypto'
import type { PublicError } from '@microsoft/microsoft-graph-types'
import type { ErrorAnswer } from '../../provider.ts'

/** An error of Graph: https://learn.microsoft.com/graph/errors */
export class GraphError extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }

  /** `now` is in milliseconds. */
  answer(now: number): ErrorAnswer {
    const requestId = randomUUID()
    const date = new Date(now).toISOString().slice(0, 19)
    const error = {
      code: this.code,
      message: this.message,
      innerError: { date, 'request-id': requestId, 'client-request-id': requestId },
    } satisfies Pick<PublicError, 'code' | 'message'> & { innerError: object }
    return { status: this.status, body: { error }, headers: { ...this.headers, 'request-id': requestId } }
  }
}

const challenge = {
  'www-authenticate':
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
}

function invalidToken(message: string): GraphError {
  return new GraphError(401, 'InvalidAuthenticationToken', message, challenge)
}

/** By why the token is not good. */
export const tokenErrors = {
  missing: () => invalidToken('Access token is empty.'),
  unknown: () => invalidToken('IDX14100: JWT is not well formed, there are no dots (.).'),
  expired: () => invalidToken('Lifetime validation failed, the token is expired.'),
  revoked: () =>
    invalidToken(
      'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp',
    ),
}

export function accessDenied(): GraphError {
  return new GraphError(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.')
}

export function itemNotFound(): GraphError {
  return new GraphError(404, 'ErrorItemNotFound', 'The specified object was not found in the store.')
}

export function noMailbox(): GraphError {
  return new GraphError(404, 'MailboxNotEnabledForRESTAPI', 'REST API is not yet supported for this mailbox.')
}

export function badRequest(message: string): GraphError {
  return new GraphError(400, 'BadRequest', message)
}

export function throttled(headers: Readonly<Record<string, string>> = {}): GraphError {
  return new GraphError(429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', headers)
}

/** What Graph can do and the sandbox cannot: better said than guessed. */
export function notSimulated(what: string): GraphError {
  return new GraphError(501, 'notSimulated', `The sandbox does not simulate ${what}.`)
}
