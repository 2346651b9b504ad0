import { jsonAnswer, type ErrorAnswer, type ProviderErrors } from '../provider.ts'
import type { OAuthError } from '../oauth/oauth-error.ts'
import type { ErrorBody } from './types.ts'

/** An error answer of the API. https://developers.procore.com/documentation/error-reference */
export class ProcoreError extends Error {
  readonly answer: ErrorAnswer

  constructor(status: number, errors: ErrorBody['errors'], headers: Readonly<Record<string, string>> = {}) {
    super(JSON.stringify(errors))
    this.answer = { status, body: { errors } satisfies ErrorBody, headers }
  }

  toResponse(): Response {
    return jsonAnswer(this.answer)
  }
}

export const notConnected = () => new ProcoreError(403, ['App is not connected to this company.'])
export const notFound = () => new ProcoreError(404, ['Not found'])
export const tokenInvalid = () => new ProcoreError(401, 'The access token is invalid')
export const companyMissing = () =>
  new ProcoreError(
    400,
    'Missing Procore-Company-Id header! Each call your application makes to the Procore API must contain a request header that includes the Procore-Company-Id field. This request header field specifies the id of the company into which you are making the call.',
  )

export function rateLimited(headers: Readonly<Record<string, string>>): ProcoreError {
  const text = 'You have surpassed the max number of requests for an hour. Please wait until your limit resets.'
  return new ProcoreError(429, text, headers)
}

/** The sentences are those of Doorkeeper, whose forms Procore's endpoints have: its documentation has none for errors. */
const oauthSentences: Readonly<Record<string, string>> = {
  invalid_grant:
    'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.',
  invalid_client:
    'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server.',
}

/** An error of the token and revocation endpoints. */
export function oauthErrorAnswer({ status, code, message }: Pick<OAuthError, 'status' | 'code' | 'message'>): ErrorAnswer {
  return { status, body: { error: code, error_description: oauthSentences[code] ?? message } }
}

/** Procore's own words for faults; `now`: its time in milliseconds. */
export function procoreErrors(now: () => number): ProviderErrors {
  const rateLimit = () => rateLimited(spentWindow(now())).answer
  return {
    rateLimit,
    quota: rateLimit,
    serverError: (_, status) => {
      // Sent under load. https://developers.procore.com/documentation/rate-limiting
      const headers = status === 503 ? { 'retry-after': '1' } : {}
      return new ProcoreError(status, 'Something went wrong. Please try again.', headers).answer
    },
    unauthorized: ({ path }) =>
      path.startsWith('/oauth/') ? oauthErrorAnswer({ status: 401, code: 'invalid_client', message: '' }) : tokenInvalid().answer,
    forbidden: () => new ProcoreError(403, ['You do not have permission to access this resource.']).answer,
    notFound: () => notFound().answer,
  }
}

/** The headers of a window of ten seconds that is used up, and about to end. */
function spentWindow(now: number): Record<string, string> {
  return {
    'x-rate-limit-limit': '25',
    'x-rate-limit-remaining': '0',
    'x-rate-limit-reset': String(Math.floor(now / 1000) + 1),
  }
}
