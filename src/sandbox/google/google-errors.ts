import type { ErrorAnswer, ProviderErrors, ProviderPlace } from '../provider.ts'
import {
  fileNotFound,
  forbidden,
  invalidCredentials,
  rateLimitExceeded,
  serverError,
  userRateLimitExceeded,
  type DriveError,
} from './drive/drive-error.ts'

export const apiHost = 'www.googleapis.com'

/** Google's own words for faults. The token endpoint speaks OAuth, the APIs have an envelope of their own. */
export const googleErrors: ProviderErrors = {
  rateLimit: (place) => inWordsOf(place, rateLimitExceeded(), oauthError(429, 'rate_limit_exceeded')),
  quota: (place) => inWordsOf(place, userRateLimitExceeded(), oauthError(403, 'rate_limit_exceeded')),
  serverError: (place, status) => inWordsOf(place, serverError(status), oauthError(status, 'internal_failure')),
  unauthorized: (place) =>
    inWordsOf(place, invalidCredentials(), oauthError(401, 'invalid_client', 'The provided client secret is invalid.')),
  forbidden: (place) => inWordsOf(place, notPermitted(), oauthError(403, 'access_denied')),
  notFound: (place) => inWordsOf(place, fileNotFound(lastSegment(place)), oauthError(404, 'not_found')),
}

function inWordsOf({ host }: ProviderPlace, api: DriveError, oauth: ErrorAnswer): ErrorAnswer {
  return host === apiHost ? api.answer : oauth
}

function oauthError(status: number, error: string, description?: string): ErrorAnswer {
  return { status, body: { error, ...(description !== undefined && { error_description: description }) } }
}

// https://developers.google.com/workspace/drive/api/guides/handle-errors
function notPermitted(): DriveError {
  return forbidden('insufficientFilePermissions', 'The user does not have sufficient permissions for this file.')
}

function lastSegment({ path }: ProviderPlace): string {
  return decodeURIComponent(path.split('/').at(-1) ?? '')
}
