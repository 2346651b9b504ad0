import type { OAuthError, OAuthErrorReason } from '../../oauth/oauth-error.ts'
import type { ErrorAnswer } from '../../provider.ts'

type Words = [status: number, error: string, description: string]

const badRequest: Words = [400, 'invalid_grant', 'Bad Request']

// Google says little of what is wrong with a code or a refresh token. As recorded: AlphaTiles pull request 107.
const words: Partial<Record<OAuthErrorReason, Words>> = {
  'client-missing': [400, 'invalid_request', 'Could not determine client ID from request.'],
  'secret-missing': [400, 'invalid_request', 'client_secret is missing.'],
  'code-of-other-client': badRequest,
  'code-used': badRequest,
  'code-expired': badRequest,
  'redirect-mismatch': [400, 'redirect_uri_mismatch', 'Bad Request'],
  'refresh-token-unknown': badRequest,
  'refresh-token-of-other-client': badRequest,
  'refresh-token-revoked': [400, 'invalid_grant', 'Token has been expired or revoked.'],
  'scope-exceeds': [400, 'invalid_scope', 'Bad Request'],
}

/** An error of the token or revocation endpoint, in Google's words. */
export function oauthErrorAnswer({ reason, status, code, message }: OAuthError): ErrorAnswer {
  const [answered, error, description] = words[reason] ?? [status, code, message]
  return { status: answered, body: { error, error_description: description } }
}
