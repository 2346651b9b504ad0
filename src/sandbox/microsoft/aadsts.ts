import { randomUUID } from 'node:crypto'
import type { EndpointRequest } from '../oauth/authorization-server.ts'
import type { OAuthError, OAuthErrorReason } from '../oauth/oauth-error.ts'
import type { ErrorAnswer } from '../provider.ts'

/** An error of the identity platform: https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
export interface Aadsts {
  number: number
  text: string
  /** RFC 6749's `error`. */
  error: string
  status?: number
  suberror?: string
}

/** The body that clients get, and people paste into forums. `now` is in milliseconds. */
export function aadstsAnswer({ number, text, error, status = 400, suberror }: Aadsts, now: number): ErrorAnswer {
  const traceId = randomUUID()
  const correlationId = randomUUID()
  const timestamp = seconds(now)
  const body = {
    error,
    error_description: describe({ number, text }, { traceId, correlationId, timestamp }),
    error_codes: [number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    ...(suberror !== undefined && { suberror }),
  }
  return { status, body }
}

/** The same in one text, as callbacks have it. */
export function aadstsText(error: Pick<Aadsts, 'number' | 'text'>, now: number): string {
  return describe(error, { traceId: randomUUID(), correlationId: randomUUID(), timestamp: seconds(now) })
}

function describe(
  { number, text }: Pick<Aadsts, 'number' | 'text'>,
  { traceId, correlationId, timestamp }: Record<'traceId' | 'correlationId' | 'timestamp', string>,
): string {
  return `AADSTS${number}: ${text}\r\nTrace ID: ${traceId}\r\nCorrelation ID: ${correlationId}\r\nTimestamp: ${timestamp}`
}

/** `2023-06-01 11:20:00Z` */
function seconds(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

const invalidGrant = 'invalid_grant'
const unreadable = { number: 9002313, text: 'Invalid request. Request is malformed or invalid.' }
const unknownGrant = { number: 70000, text: 'Provided grant is invalid or malformed.', error: invalidGrant }
const wrongVerifier = {
  number: 501481,
  text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  error: invalidGrant,
}

// Which `error` goes with a redirect URI of another code, and with an unknown app, is from memory.
const byReason: Partial<Record<OAuthErrorReason, (request: EndpointRequest) => Aadsts>> = {
  'client-missing': () => missing('client_id'),
  'grant-type-missing': () => missing('grant_type'),
  'parameter-missing': ({ parameters }) => missing(parameters.get('grant_type') === 'refresh_token' ? 'refresh_token' : 'code'),
  'client-unknown': ({ parameters, params }) => ({
    number: 700016,
    text: `Application with identifier '${parameters.get('client_id')}' was not found in the directory '${params['tenant']}'.`,
    error: 'unauthorized_client',
  }),
  'secret-missing': () => ({
    number: 7000218,
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    error: 'invalid_client',
    status: 401,
  }),
  'secret-wrong': ({ parameters }) => wrongSecret(parameters.get('client_id')),
  'grant-type-unsupported': ({ parameters }) => ({
    number: 70003,
    text: `The app requested an unsupported grant type '${parameters.get('grant_type')}'.`,
    error: 'unsupported_grant_type',
  }),
  'code-unknown': () => unknownGrant,
  'code-of-other-client': () => unknownGrant,
  'code-used': () => ({
    number: 54005,
    text: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    error: invalidGrant,
  }),
  'code-expired': () => ({
    number: 70008,
    text: 'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    error: invalidGrant,
  }),
  'redirect-mismatch': () => ({
    number: 500112,
    text: 'The reply address does not match the reply address provided when requesting Authorization code.',
    error: 'invalid_client',
    status: 401,
  }),
  'verifier-missing': () => wrongVerifier,
  'verifier-wrong': () => wrongVerifier,
  'refresh-token-unknown': () => unknownGrant,
  'refresh-token-of-other-client': () => unknownGrant,
  'refresh-token-expired': () => ({
    number: 700082,
    text: 'The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.',
    error: invalidGrant,
  }),
  'refresh-token-revoked': consentMissing,
  'scope-exceeds': consentMissing,
}

/** What the token endpoint answers. */
export function tokenError(error: OAuthError, request: EndpointRequest, now: number): ErrorAnswer {
  const known = byReason[error.reason]?.(request) ?? { ...unreadable, error: error.code, status: error.status }
  return aadstsAnswer(known, now)
}

/** People copy the secret's id. */
export function wrongSecret(clientId: string | undefined): Aadsts {
  return {
    number: 7000215,
    text: `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
    error: 'invalid_client',
    status: 401,
  }
}

export function unknownTenant(tenant: string | undefined): Aadsts {
  return {
    number: 90002,
    text: `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
    error: 'invalid_request',
  }
}

function missing(parameter: string): Aadsts {
  return {
    number: 900144,
    text: `The request body must contain the following parameter: '${parameter}'.`,
    error: 'invalid_request',
  }
}

// A user who removes the app takes back the consent.
function consentMissing({ parameters }: EndpointRequest): Aadsts {
  return {
    number: 65001,
    text: `The user or administrator has not consented to use the application with ID '${parameters.get('client_id')}'. Send an interactive authorization request for this user and resource.`,
    error: invalidGrant,
    suberror: 'consent_required',
  }
}
