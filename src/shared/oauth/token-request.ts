import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { type ErrorCode, PatchbayError } from '../errors.ts'
import { retryAfterMs } from '../http/backoff.ts'
import { readText } from '../http/read-text.ts'
import { fillAddress } from '../providers/address.ts'
import type { AuthDefinition, JsonObject, ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { splitScope } from './scope.ts'

/** What a token endpoint gave. Times are milliseconds since the epoch. */
export interface TokenSet {
  accessToken: string
  /** Null: none was sent, and the one we have, if any, stays. */
  refreshToken: string | null
  tokenType: string
  /** Null: not said, which means as requested. */
  scopes: string[] | null
  /** Null: the provider did not say, and a 401 will. */
  expiresAt: number | null
  /** When the scheduler refreshes ahead of expiry; null with `expiresAt`. */
  refreshDueAt: number | null
}

/** All that one answer of a token endpoint gave. */
export interface TokenGrant {
  /** What API requests are sent with. */
  token: TokenSet
  /** Further tokens that came with it, by name. */
  others: Readonly<Record<string, TokenSet>>
}

/** One request must end well within the refresh lease. */
export const httpTimeoutMs = 30_000

/** No provider's token answer comes near it; a longer one counts as no JSON. */
export const maxAnswerBytes = 64 * 1024

/** Long enough for several tries; less for short-lived tokens, which would otherwise be due at once. */
const refreshAheadMs = 15 * 60_000

/** What it means that a grant is not accepted, by the code that says so. */
const refusedGrants = {
  code_rejected: { what: 'did not accept the code.', hint: 'Begin again: a code works once, for a few minutes.' },
  needs_reauth: { what: 'no longer accepts this connection.', hint: 'Connect the account again.' },
  client_rejected: { what: 'did not accept the app itself.', hint: 'The operator has to check its key or secret.' },
} as const satisfies Partial<Record<ErrorCode, { what: string; hint: string }>>

type RefusedGrant = keyof typeof refusedGrants

interface TokenExchange {
  send: (options: oauth.HttpRequestOptions<'POST', URLSearchParams>) => Promise<Response>
  read: (answer: Response) => Promise<oauth.TokenEndpointResponse>
}

/** What goes with every request to an authorization server. */
export function requestOptions(runtime: Runtime): oauth.HttpRequestOptions<'POST', URLSearchParams> {
  return {
    [oauth.customFetch]: (url, init) => runtime.fetch(url, init),
    // Plain http is for the sandbox on this machine.
    // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out, not because it goes away
    [oauth.allowInsecureRequests]: runtime.config.sandboxUrl !== undefined,
    signal: AbortSignal.timeout(httpTimeoutMs),
  }
}

/**
 * Sends one request to the token endpoint and reads the answer. `whenRefused` is the code for a grant that the provider does not accept
 * (`invalid_grant`). No error has a cause: those of the library hold the answer, tokens included.
 */
export async function requestTokens(
  runtime: Runtime,
  definition: ProviderDefinition,
  whenRefused: RefusedGrant,
  { send, read }: TokenExchange,
): Promise<TokenGrant> {
  const sentAt = runtime.now()
  const { status, headers, text } = await exchange(runtime, definition, send)
  const failure = failureByStatus(runtime, definition, status, headers)
  if (failure) throw failure

  const body = parseObject(text)
  if (!body) throw invalidAnswer(definition, status)
  const answer = definition.auth.readTokenAnswer?.(body) ?? { token: body }
  if ('error' in answer) throw refusal(definition, whenRefused, answer.error, status)
  const clocks: Clocks = { sentAt, providerNow: providerTime(headers, sentAt) }
  const readOne = (token: JsonObject) => readTokens(definition, whenRefused, read, { token, status, clocks })
  const others: Record<string, TokenSet> = {}
  for (const [name, token] of Object.entries(answer.others ?? {})) others[name] = await readOne(token)
  return { token: await readOne(answer.token), others }
}

async function readTokens(
  definition: ProviderDefinition,
  whenRefused: RefusedGrant,
  read: TokenExchange['read'],
  { token, status, clocks }: { token: JsonObject; status: number; clocks: Clocks },
): Promise<TokenSet> {
  // Not asked for and not used: signed-in users are Supabase's.
  const { id_token: _, ...body } = token
  try {
    // Without WWW-Authenticate, which would hide the error code of the body.
    return tokenSet(definition.auth, await read(Response.json(body, { status })), clocks)
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) throw refusal(definition, whenRefused, error.error, status)
    throw invalidAnswer(definition, status)
  }
}

async function exchange(runtime: Runtime, definition: ProviderDefinition, send: TokenExchange['send']) {
  try {
    const response = await send(requestOptions(runtime))
    return { status: response.status, headers: response.headers, text: (await readText(response.body, maxAnswerBytes)) ?? '' }
  } catch (error) {
    const { name, id, auth } = definition
    const { host } = new URL(fillAddress(definition, auth.tokenUrl, runtime.config))
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw new PatchbayError(
      'provider_unreachable',
      timedOut ? `${name} did not answer within ${httpTimeoutMs / 1000} s.` : `The connection to ${name} failed.`,
      { context: { provider: id, host } },
    )
  }
}

/** Overload and failures of the server, whatever their body says. */
function failureByStatus(
  runtime: Runtime,
  { name, id }: ProviderDefinition,
  status: number,
  headers: Headers,
): PatchbayError | undefined {
  if (status !== 429 && status < 500) return undefined
  const waitMs = retryAfterMs(headers.get('retry-after'), runtime.now())
  const options = { context: { provider: id, status }, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) }
  if (status === 429) return new PatchbayError('provider_rate_limited', `${name} asks for fewer token requests.`, options)
  return new PatchbayError('provider_unavailable', `${name} answered a token request with status ${status}.`, options)
}

/** RFC 6749 §5.2, and what providers add to it. */
function refusal(
  { name, id, auth }: ProviderDefinition,
  whenRefused: RefusedGrant,
  error: string,
  status: number,
): PatchbayError {
  const context = { provider: id, status, ...(/^[\w.-]{1,64}$/.test(error) ? { reason: error } : {}) }
  switch (error) {
    case 'invalid_grant':
    case 'interaction_required':
    case 'login_required':
    case 'consent_required':
      return new PatchbayError(whenRefused, `${name} ${refusedGrants[whenRefused].what}`, {
        context,
        hint: refusedGrants[whenRefused].hint,
      })
    case 'temporarily_unavailable':
    case 'server_error':
      return new PatchbayError('provider_unavailable', `${name} could not answer a token request now.`, { context })
    case 'invalid_client':
    case 'invalid_request':
    case 'invalid_scope':
    case 'unauthorized_client':
    case 'unsupported_grant_type':
    case 'redirect_uri_mismatch':
      return new PatchbayError('client_rejected', `${name} does not accept this app's registration.`, {
        context,
        hint: `The operator has to check ${auth.env.clientId}, ${auth.env.clientSecret} and ${auth.env.redirectUri}.`,
      })
    default:
      return new PatchbayError('provider_rejected', `${name} refused a token request.`, { context })
  }
}

function invalidAnswer({ name, id }: ProviderDefinition, status: number): PatchbayError {
  return new PatchbayError('provider_answer_invalid', `${name} answered a token request with something else than tokens.`, {
    context: { provider: id, status },
  })
}

/** In milliseconds since the epoch. */
interface Clocks {
  /** When the request was sent, by our clock. */
  sentAt: number
  /** The same moment by the provider's, which may be minutes off. */
  providerNow: number
}

function providerTime(headers: Headers, now: number): number {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? now : date
}

function tokenSet(auth: AuthDefinition, answer: oauth.TokenEndpointResponse, { sentAt, providerNow }: Clocks): TokenSet {
  const seconds = answer.expires_in ?? lifetimeIfUnsaid(auth, answer.access_token, providerNow)
  const lifetimeMs = seconds === undefined ? undefined : seconds * 1000
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    tokenType: answer.token_type === 'bearer' ? 'Bearer' : answer.token_type,
    scopes: answer.scope === undefined ? null : splitScope(answer.scope, auth.scopeSeparator),
    // From when it was asked for: it may have been on its way for long.
    expiresAt: lifetimeMs === undefined ? null : sentAt + lifetimeMs,
    refreshDueAt: lifetimeMs === undefined ? null : sentAt + lifetimeMs - Math.min(refreshAheadMs, lifetimeMs / 2),
  }
}

/** In seconds; undefined: it does not end by itself. */
function lifetimeIfUnsaid(
  { lifetimeIfUnsaid: unsaid }: AuthDefinition,
  accessToken: string,
  providerNow: number,
): number | undefined {
  if (typeof unsaid === 'number') return unsaid
  if (unsaid === 'unlimited') return undefined
  try {
    const { exp } = decodeJwt(accessToken)
    return exp === undefined ? undefined : Math.max(0, exp - providerNow / 1000)
  } catch {
    // No JWT after all: a 401 will tell.
    return undefined
  }
}

/** The JSON object that `text` is; undefined when it is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : undefined
  } catch {
    return undefined
  }
}
