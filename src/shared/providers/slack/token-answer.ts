import type { JsonObject, TokenAnswer } from '../define.ts'
import { AuthedUser, Failure } from './answers.ts'

/** Slack's errors as RFC 6749 §5.2 has them; one that is not here stays as it is. https://docs.slack.dev/reference/methods/oauth.v2.access */
const errors: Readonly<Record<string, string>> = {
  invalid_code: 'invalid_grant',
  code_already_used: 'invalid_grant',
  invalid_code_verifier: 'invalid_grant',
  invalid_refresh_token: 'invalid_grant',
  token_revoked: 'invalid_grant',
  token_expired: 'invalid_grant',
  invalid_auth: 'invalid_grant',
  account_inactive: 'invalid_grant',
  invalid_client_id: 'invalid_client',
  bad_client_secret: 'invalid_client',
  bad_redirect_uri: 'invalid_request',
  oauth_authorization_url_mismatch: 'invalid_request',
  pkce_not_allowed: 'invalid_request',
  invalid_arguments: 'invalid_request',
  invalid_grant_type: 'unsupported_grant_type',
  no_scopes: 'invalid_scope',
  ratelimited: 'temporarily_unavailable',
  rate_limited: 'temporarily_unavailable',
  request_timeout: 'temporarily_unavailable',
  service_unavailable: 'temporarily_unavailable',
  internal_error: 'temporarily_unavailable',
  fatal_error: 'temporarily_unavailable',
  org_login_required: 'temporarily_unavailable',
  team_added_to_org: 'temporarily_unavailable',
}

/**
 * An answer of `oauth.v2.access`, always with status 200, as RFC 6749 has it. The bot's token is at the top level and the user's in
 * `authed_user`; without a bot, the user's is all there is. A refresh answers for the one token that was refreshed.
 */
export function readTokenAnswer(body: JsonObject): TokenAnswer {
  const failure = Failure.safeParse(body)
  if (failure.success) return { error: errors[failure.data.error] ?? failure.data.error }
  const user = AuthedUser.safeParse(body['authed_user']).data
  if (!body['access_token']) return { token: user ? bearer(user) : body }
  return { token: bearer(body), ...(user && { others: { user: bearer(user) } }) }
}

/** Slack's `token_type` says whose the token is; every one is sent as a bearer token. */
function bearer(tokens: JsonObject): JsonObject {
  return { ...tokens, token_type: 'Bearer' }
}
