import { jsonAnswer, type ErrorAnswer } from '../provider.ts'

// Statuses and bodies as Google sends them. Clients branch on the code and on `errors[0].reason`.

interface ErrorDetail {
  reason: string
  message: string
  domain?: string
  location?: string
  locationType?: 'parameter' | 'header'
}

/** What only some errors have besides the detail. */
interface ErrorExtras {
  /** When the outer message is another one than the detail's. */
  message?: string
  status?: string
  details?: readonly unknown[]
  headers?: Readonly<Record<string, string>>
}

/** An error answer of Google's APIs. */
export class ApiError extends Error {
  readonly answer: ErrorAnswer

  constructor(code: number, detail: ErrorDetail, extras: ErrorExtras = {}) {
    super(detail.message)
    const { message = detail.message, status, details, headers } = extras
    const error = {
      code,
      message,
      errors: [{ domain: 'global', ...detail }],
      ...(status !== undefined && { status }),
      ...(details !== undefined && { details }),
    }
    this.answer = { status: code, body: { error }, ...(headers !== undefined && { headers }) }
  }

  toResponse(): Response {
    return jsonAnswer(this.answer)
  }
}

export function invalidValue(location: string): ApiError {
  return new ApiError(400, { reason: 'invalid', message: 'Invalid Value', location, locationType: 'parameter' })
}

export function invalidParameter(location: string, message: string): ApiError {
  return new ApiError(400, { reason: 'invalidParameter', message, location, locationType: 'parameter' })
}

export function missingParameter(location: string): ApiError {
  const message =
    location === 'fields' ? "The 'fields' parameter is required for this method." : `Required parameter: ${location}`
  return new ApiError(400, { reason: 'required', message, location, locationType: 'parameter' })
}

export function forbidden(reason: string, message: string): ApiError {
  return new ApiError(403, { reason, message })
}

export function notFound(): ApiError {
  return new ApiError(404, { reason: 'notFound', message: 'Not Found' })
}

export function loginRequired(): ApiError {
  return new ApiError(401, {
    reason: 'required',
    message: 'Login Required.',
    location: 'Authorization',
    locationType: 'header',
  })
}

export function invalidCredentials(): ApiError {
  return new ApiError(
    401,
    { reason: 'authError', message: 'Invalid Credentials', location: 'Authorization', locationType: 'header' },
    {
      message:
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
      status: 'UNAUTHENTICATED',
      headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/", error="invalid_token"' },
    },
  )
}

/** `service`: which API, such as `drive.googleapis.com`. */
export function insufficientScopes(scopes: readonly string[], service: string): ApiError {
  return new ApiError(
    403,
    { reason: 'insufficientPermissions', message: 'Insufficient Permission' },
    {
      message: 'Request had insufficient authentication scopes.',
      status: 'PERMISSION_DENIED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
          domain: 'googleapis.com',
          metadata: { service },
        },
      ],
      headers: {
        'www-authenticate': `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="${scopes.join(' ')}"`,
      },
    },
  )
}

export function userRateLimitExceeded(): ApiError {
  return new ApiError(403, { domain: 'usageLimits', reason: 'userRateLimitExceeded', message: 'User Rate Limit Exceeded' })
}

export function rateLimitExceeded(): ApiError {
  return new ApiError(429, { domain: 'usageLimits', reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' })
}

export function serverError(status: number): ApiError {
  return status === 503
    ? new ApiError(503, { reason: 'backendError', message: 'Backend Error' })
    : new ApiError(status, { reason: 'internalError', message: 'Internal Error' })
}

/** What Google can do and the sandbox cannot: better said than guessed. */
export function notSimulated(what: string): ApiError {
  return new ApiError(501, { domain: 'sandbox', reason: 'notSimulated', message: `The sandbox does not simulate ${what}.` })
}
