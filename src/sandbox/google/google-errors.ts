import type { ErrorAnswer, ProviderErrors, ProviderPlace } from '../provider.ts'
import {
  forbidden,
  invalidCredentials,
  notFound,
  rateLimitExceeded,
  serverError,
  userRateLimitExceeded,
  type ApiError,
} from './api-error.ts'
import { fileNotFound } from './drive/drive-error.ts'

export const apiHost = 'www.googleapis.com'

/** Google's own words for faults. The token endpoint speaks OAuth, the APIs have an envelope of their own. */
export const googleErrors: ProviderErrors = {
  rateLimit: (place) => inWordsOf(place, rateLimitExceeded(), oauthError(429, 'rate_limit_exceeded')),
  quota: (place) => inWordsOf(place, userRateLimitExceeded(), oauthError(403, 'rate_limit_exceeded')),
  serverError: (place, status) => inWordsOf(place, serverError(status), oauthError(status, 'internal_failure')),
  unauthorized: (place) =>
    inWordsOf(place, invalidCredentials(), oauthError(401, 'invalid_client', 'The provided client secret is invalid.')),
  forbidden: (place) => inWordsOf(place, notPermitted(place), oauthError(403, 'access_denied')),
  notFound: (place) => inWordsOf(place, nothingThere(place), oauthError(404, 'not_found')),
}

function inWordsOf({ host }: ProviderPlace, api: ApiError, oauth: ErrorAnswer): ErrorAnswer {
  return host === apiHost ? api.answer : oauth
}

function oauthError(status: number, error: string, description?: string): ErrorAnswer {
  return { status, body: { error, ...(description !== undefined && { error_description: description }) } }
}

// https://developers.google.com/workspace/drive/api/guides/handle-errors
function notPermitted(place: ProviderPlace): ApiError {
  if (isCalendar(place)) return forbidden('forbidden', 'Forbidden')
  return forbidden('insufficientFilePermissions', 'The user does not have sufficient permissions for this file.')
}

function nothingThere(place: ProviderPlace): ApiError {
  return isCalendar(place) ? notFound() : fileNotFound(decodeURIComponent(place.path.split('/').at(-1) ?? ''))
}

function isCalendar({ path }: ProviderPlace): boolean {
  return path.startsWith('/calendar/')
}
