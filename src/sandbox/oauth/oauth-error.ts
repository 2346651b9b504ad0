import { jsonAnswer, type ErrorAnswer } from '../provider.ts'

/** Why a request to the token or revocation endpoint is refused, in more detail than RFC 6749's codes. */
export type OAuthErrorReason =
  | 'client-missing'
  | 'client-unknown'
  | 'secret-missing'
  | 'secret-wrong'
  | 'both-client-auths'
  | 'client-auth-not-allowed'
  | 'grant-type-missing'
  | 'grant-type-unsupported'
  | 'parameter-missing'
  | 'code-unknown'
  | 'code-of-other-client'
  | 'code-used'
  | 'code-expired'
  | 'redirect-mismatch'
  | 'verifier-missing'
  | 'verifier-wrong'
  | 'verifier-not-allowed'
  | 'refresh-token-unknown'
  | 'refresh-token-of-other-client'
  | 'refresh-token-used'
  | 'refresh-token-expired'
  /** Its grant was ended by the user, by the app or after a reuse. */
  | 'refresh-token-revoked'
  | 'scope-unknown'
  /** More than was granted. */
  | 'scope-exceeds'
  | 'token-unknown'
  /** Of an extra grant. */
  | 'assertion'

/** What RFC 6749 §5.2 calls a reason, and its status. */
const codes: Readonly<Record<OAuthErrorReason, [status: number, code: string]>> = {
  'client-missing': [401, 'invalid_client'],
  'client-unknown': [401, 'invalid_client'],
  'secret-missing': [401, 'invalid_client'],
  'secret-wrong': [401, 'invalid_client'],
  'both-client-auths': [400, 'invalid_request'],
  'client-auth-not-allowed': [401, 'invalid_client'],
  'grant-type-missing': [400, 'invalid_request'],
  'grant-type-unsupported': [400, 'unsupported_grant_type'],
  'parameter-missing': [400, 'invalid_request'],
  'code-unknown': [400, 'invalid_grant'],
  'code-of-other-client': [400, 'invalid_grant'],
  'code-used': [400, 'invalid_grant'],
  'code-expired': [400, 'invalid_grant'],
  'redirect-mismatch': [400, 'invalid_grant'],
  'verifier-missing': [400, 'invalid_grant'],
  'verifier-wrong': [400, 'invalid_grant'],
  'verifier-not-allowed': [400, 'invalid_request'],
  'refresh-token-unknown': [400, 'invalid_grant'],
  'refresh-token-of-other-client': [400, 'invalid_grant'],
  'refresh-token-used': [400, 'invalid_grant'],
  'refresh-token-expired': [400, 'invalid_grant'],
  'refresh-token-revoked': [400, 'invalid_grant'],
  'scope-unknown': [400, 'invalid_scope'],
  'scope-exceeds': [400, 'invalid_scope'],
  'token-unknown': [400, 'invalid_token'],
  assertion: [400, 'invalid_grant'],
}

/** A refusal by the token or revocation endpoint. `status` and `code` are RFC 6749's for the reason, unless given. */
export class OAuthError extends Error {
  readonly reason: OAuthErrorReason
  readonly status: number
  /** RFC 6749's `error`. */
  readonly code: string

  /** `description` becomes `error_description`. */
  constructor(reason: OAuthErrorReason, description: string, { status, code }: { status?: number; code?: string } = {}) {
    super(description)
    this.reason = reason
    this.status = status ?? codes[reason][0]
    this.code = code ?? codes[reason][1]
  }
}

/** RFC 6749 §5.2. */
export function rfcErrorAnswer({ status, code, message }: OAuthError): ErrorAnswer {
  return { status, body: { error: code, error_description: message } }
}

/** An answer of the token endpoint, which nobody may keep: RFC 6749 §5.1. */
export function uncachedAnswer({ status, body, headers }: ErrorAnswer): Response {
  const uncached = { 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate', pragma: 'no-cache' }
  return jsonAnswer({ status, body, headers: { ...uncached, ...headers } })
}
