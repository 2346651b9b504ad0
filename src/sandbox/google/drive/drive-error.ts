import { jsonAnswer, type ErrorAnswer } from '../../provider.ts'

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

/** An error answer of the Drive API. */
export class DriveError extends Error {
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

export function invalidValue(location: string): DriveError {
  return new DriveError(400, { reason: 'invalid', message: 'Invalid Value', location, locationType: 'parameter' })
}

export function invalidParameter(location: string, message: string): DriveError {
  return new DriveError(400, { reason: 'invalidParameter', message, location, locationType: 'parameter' })
}

export function missingParameter(location: string): DriveError {
  const message =
    location === 'fields' ? "The 'fields' parameter is required for this method." : `Required parameter: ${location}`
  return new DriveError(400, { reason: 'required', message, location, locationType: 'parameter' })
}

export function badRequestBody(): DriveError {
  return new DriveError(400, { reason: 'parseError', message: 'Parse Error' })
}

// A `q` that names an unknown folder gets the message without the id.
export function fileNotFound(id: string): DriveError {
  return new DriveError(404, {
    reason: 'notFound',
    message: `File not found: ${id}.`,
    location: 'fileId',
    locationType: 'parameter',
  })
}

export function driveNotFound(id: string): DriveError {
  return new DriveError(404, {
    reason: 'notFound',
    message: `Shared drive not found: ${id}`,
    location: 'driveId',
    locationType: 'parameter',
  })
}

export function forbidden(reason: string, message: string): DriveError {
  return new DriveError(403, { reason, message })
}

export function loginRequired(): DriveError {
  return new DriveError(401, {
    reason: 'required',
    message: 'Login Required.',
    location: 'Authorization',
    locationType: 'header',
  })
}

export function invalidCredentials(): DriveError {
  return new DriveError(
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

export function insufficientScopes(scopes: readonly string[]): DriveError {
  return new DriveError(
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
          metadata: { service: 'drive.googleapis.com' },
        },
      ],
      headers: {
        'www-authenticate': `Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="${scopes.join(' ')}"`,
      },
    },
  )
}

export function appNotAuthorized(app: string, id: string): DriveError {
  return new DriveError(403, {
    reason: 'appNotAuthorizedToFile',
    message: `The user has not granted the app ${app} read access to the file ${id}.`,
    location: 'Authorization',
    locationType: 'header',
  })
}

export function userRateLimitExceeded(): DriveError {
  return new DriveError(403, { domain: 'usageLimits', reason: 'userRateLimitExceeded', message: 'User Rate Limit Exceeded' })
}

export function rateLimitExceeded(): DriveError {
  return new DriveError(429, { domain: 'usageLimits', reason: 'rateLimitExceeded', message: 'Rate Limit Exceeded' })
}

export function serverError(status: number): DriveError {
  return status === 503
    ? new DriveError(503, { reason: 'backendError', message: 'Backend Error' })
    : new DriveError(status, { reason: 'internalError', message: 'Internal Error' })
}

/** What Google can do and the sandbox cannot: better said than guessed. */
export function notSimulated(what: string): DriveError {
  return new DriveError(501, { domain: 'sandbox', reason: 'notSimulated', message: `The sandbox does not simulate ${what}.` })
}
