import * as oauth from 'oauth4webapi'
import { type ErrorCode, PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
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

/** One request must end well within the refresh lease. */
export const httpTimeoutMs = 30_000

/** No provider's token answer comes near it. */
const maxAnswerBytes = 64 * 1024

/** Long enough for several tries; less for short-lived tokens, which would otherwise be due at once. */
const refreshAheadMs = 15 * 60_000

/** What it means that a grant is not accepted, by the code that says so. */
const refusedGrants = {
  code_rejected: { what: 'did not accept the code.', hint: 'Begin again: a code works once, for a few minutes.' },
  needs_reauth: { what: 'no longer accepts this connection.', hint: 'Connect the account again.' },
  client_rejected: { what: 'did not accept the service account.', hint: 'The operator has to check its key.' },
} as const satisfies Partial<Record<ErrorCode, { what: string; hint: string }>>

type RefusedGrant = keyof typeof refusedGrants

interface TokenExchange {
  send: (options: oauth.HttpRequestOptions<'POST', URLSearchParams>) => Promise<Response>
  read: (answer: Response) => Promise<oauth.TokenEndpointResponse>
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
): Promise<TokenSet> {
  const sentAt = runtime.now()
  const { status, headers, text } = await exchange(runtime, definition, send)
  const failure = failureByStatus(runtime, definition, status, headers)
  if (failure) throw failure

  const body = parseObject(text)
  if (!body) throw invalidAnswer(definition, status)
  // Not asked for and not used: signed-in users are Supabase's.
  delete body['id_token']
  try {
    // Without WWW-Authenticate, which would hide the error code of the body.
    return tokenSet(await read(Response.json(body, { status })), sentAt)
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) throw refusal(definition, whenRefused, error.error, status)
    throw invalidAnswer(definition, status)
  }
}

async function exchange(runtime: Runtime, definition: ProviderDefinition, send: TokenExchange['send']) {
  try {
    const response = await send({
      [oauth.customFetch]: (url, init) => runtime.fetch(url, init),
      // Plain http is for the sandbox on this machine.
      // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out, not because it goes away
      [oauth.allowInsecureRequests]: runtime.config.sandboxUrl !== undefined,
      signal: AbortSignal.timeout(httpTimeoutMs),
    })
    return { status: response.status, headers: response.headers, text: await readText(response) }
  } catch (error) {
    const { name, id, auth } = definition
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw new PatchbayError(
      'provider_unreachable',
      timedOut ? `${name} did not answer within ${httpTimeoutMs / 1000} s.` : `The connection to ${name} failed.`,
      { context: { provider: id, host: new URL(auth.tokenUrl).host } },
    )
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // A longer one is cut, and fails as what it then is: no JSON.
    if (bytes > maxAnswerBytes) return ''
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

/** Overload and failures of the server, whatever their body says. */
function failureByStatus(
  runtime: Runtime,
  { name, id }: ProviderDefinition,
  status: number,
  headers: Headers,
): PatchbayError | undefined {
  if (status !== 429 && status < 500) return undefined
  const retryAfterMs = retryAfter(headers.get('retry-after'), runtime.now())
  const options = { context: { provider: id, status }, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
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

function tokenSet(answer: oauth.TokenEndpointResponse, sentAt: number): TokenSet {
  const lifetimeMs = answer.expires_in === undefined ? undefined : answer.expires_in * 1000
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? null,
    tokenType: answer.token_type === 'bearer' ? 'Bearer' : answer.token_type,
    scopes: answer.scope === undefined ? null : splitScope(answer.scope),
    // From when it was asked for: it may have been on its way for long.
    expiresAt: lifetimeMs === undefined ? null : sentAt + lifetimeMs,
    refreshDueAt: lifetimeMs === undefined ? null : sentAt + lifetimeMs - Math.min(refreshAheadMs, lifetimeMs / 2),
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : undefined
  } catch {
    return undefined
  }
}

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110 §10.2.3). */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
