import type { OAuthErrorReason } from '../oauth/oauth-error.ts'
import type { ErrorAnswer, ProviderErrors } from '../provider.ts'

/** How Slack says no. `more` is what it adds to some errors. */
export function refusal(error: string, more: object = {}): object {
  return { ok: false, error, ...more }
}

const tokenPath = '/api/oauth.v2.access'

/** With status 200, but for too many requests and for failures. */
export const errors: ProviderErrors = {
  rateLimit: () => ({ status: 429, body: refusal('ratelimited') }),
  quota: () => said('rate_limited'),
  serverError: (_, status) => ({ status, body: refusal(status === 503 ? 'service_unavailable' : 'internal_error') }),
  unauthorized: ({ path }) => said(path === tokenPath ? 'bad_client_secret' : 'invalid_auth'),
  forbidden: () => said('access_denied'),
  notFound: () => said('team_not_found'),
}

function said(error: string): ErrorAnswer {
  return { status: 200, body: refusal(error) }
}

/** https://docs.slack.dev/reference/methods/oauth.v2.access; `code_already_used` is not in that list. */
export const tokenErrors: Readonly<Record<OAuthErrorReason, string>> = {
  'client-missing': 'invalid_client_id',
  'client-unknown': 'invalid_client_id',
  'secret-missing': 'bad_client_secret',
  'secret-wrong': 'bad_client_secret',
  'both-client-auths': 'invalid_arguments',
  'client-auth-not-allowed': 'bad_client_secret',
  'grant-type-missing': 'invalid_grant_type',
  'grant-type-unsupported': 'invalid_grant_type',
  'parameter-missing': 'invalid_arguments',
  'code-unknown': 'invalid_code',
  'code-of-other-client': 'invalid_code',
  'code-used': 'code_already_used',
  'code-expired': 'invalid_code',
  'redirect-mismatch': 'bad_redirect_uri',
  'verifier-missing': 'invalid_code_verifier',
  'verifier-wrong': 'invalid_code_verifier',
  'verifier-not-allowed': 'pkce_not_allowed',
  'refresh-token-unknown': 'invalid_refresh_token',
  'refresh-token-of-other-client': 'invalid_refresh_token',
  'refresh-token-used': 'invalid_refresh_token',
  'refresh-token-expired': 'invalid_refresh_token',
  'refresh-token-revoked': 'invalid_refresh_token',
  'scope-unknown': 'invalid_arguments',
  'scope-exceeds': 'invalid_arguments',
  'token-unknown': 'invalid_arguments',
  assertion: 'invalid_arguments',
}
