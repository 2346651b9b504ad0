import type { ErrorAnswer, ProviderErrors } from '../provider.ts'
import {
  invalidCredentials,
  rateLimitExceeded,
  serverError,
  userRateLimitExceeded,
  type DriveError,
} from './drive/drive-error.ts'

const apiHost = 'www.googleapis.com'

/** Google's own words for faults. The token endpoint speaks OAuth, the APIs have an envelope of their own. */
export const googleErrors: ProviderErrors = {
  rateLimit: (host) => inWordsOf(host, rateLimitExceeded(), { status: 429, body: { error: 'rate_limit_exceeded' } }),
  quota: (host) => inWordsOf(host, userRateLimitExceeded(), { status: 403, body: { error: 'rate_limit_exceeded' } }),
  serverError: (host, status) => inWordsOf(host, serverError(status), { status, body: { error: 'internal_failure' } }),
  unauthorized: (host) =>
    inWordsOf(host, invalidCredentials(), {
      status: 401,
      body: { error: 'invalid_client', error_description: 'The provided client secret is invalid.' },
    }),
}

function inWordsOf(host: string, api: DriveError, oauth: ErrorAnswer): ErrorAnswer {
  return host === apiHost ? api.answer : oauth
}
