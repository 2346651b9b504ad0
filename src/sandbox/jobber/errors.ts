import type { ErrorAnswer, ProviderErrors } from '../provider.ts'
import type { Cost } from './cost.ts'
import { rfcErrorAnswer, type OAuthError } from '../oauth/oauth-error.ts'

const tokenPath = '/api/oauth/token'

export const tokenNotRecognized: ErrorAnswer = { status: 401, body: { message: 'Token not recognized' } }
/** https://developer.getjobber.com/docs/building_your_app/app_lifecycle */
export const disconnected: ErrorAnswer = {
  status: 401,
  body: { message: 'User has disconnected this app from their account. Please delete this token' },
}

/** With 200, as all that GraphQL refuses. */
export function throttled(cost: Cost): { errors: object[]; extensions: { cost: Cost } } {
  const documentation = 'https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits'
  return { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED', documentation } }], extensions: { cost } }
}

/** The token endpoint's errors, which Jobber does not document. The one for a refresh token was reported by a third party. */
export function oauthErrorAnswer(error: OAuthError): ErrorAnswer {
  if (!error.reason.startsWith('refresh-token-')) return rfcErrorAnswer(error)
  const description = 'The provided refresh token is not valid.'
  return { status: 401, body: { error: 'invalid_grant', error_description: description } }
}

/** Jobber's own words for faults. */
export const jobberErrors: ProviderErrors = {
  // The guard in front of GraphQL: 2,500 requests in five minutes. Its words are not documented.
  rateLimit: () => tooMany,
  quota: ({ path }) => {
    if (path === tokenPath) return tooMany
    const throttleStatus = { maximumAvailable: 10_000, currentlyAvailable: 150, restoreRate: 500 }
    return { status: 200, body: throttled({ requestedQueryCost: 204, actualQueryCost: 0, throttleStatus }) }
  },
  serverError: (_, status) => {
    if (status === 503) return { status, body: { message: 'Service temporarily unavailable' } }
    return { status, body: { status, error: status === 502 ? 'Bad Gateway' : 'Internal Server Error' } }
  },
  unauthorized: ({ path }) => {
    if (path !== tokenPath) return tokenNotRecognized
    return { status: 401, body: { error: 'invalid_client', error_description: 'Client authentication failed.' } }
  },
  // As for a scope that the app does not have.
  forbidden: ({ path }) => {
    if (path === tokenPath) return { status: 403, body: { error: 'unauthorized_client' } }
    const message = 'The field clients on an object of type Query was hidden due to permissions'
    return { status: 200, body: { data: null, errors: [{ message, locations: [{ line: 2, column: 3 }], path: ['clients'] }] } }
  },
  // For GraphQL, what is not there is null. This is for an address that is not there.
  notFound: () => ({ status: 404, body: { status: 404, error: 'Not Found' } }),
}

const tooMany: ErrorAnswer = { status: 429, body: { message: 'Too many requests' } }
