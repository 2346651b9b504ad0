import type { z } from 'zod'
import type { Config } from '../config.ts'
import { PatchbayError } from '../errors.ts'
import { answerClass } from '../metrics.ts'
import type { AccessToken, TokenSource } from '../oauth/token-source.ts'
import { fillAddress } from '../providers/address.ts'
import type { ApiRequest, ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { orStop, pause } from '../stopping.ts'
import { backoffMs } from './backoff.ts'
import { fetchAnswer } from './fetch-answer.ts'
import { judgeAnswer } from './judge-answer.ts'
import type { Permits } from './permits.ts'
import { providerUrl } from './provider-url.ts'

/** One provider's API for one integration. Every request carries its bearer token, and goes to the provider's own hosts only. */
export interface ProviderApi {
  /**
   * Sends GET `path` below the provider's `baseUrl` and parses the JSON answer; a parameter that is undefined is left out. What may
   * pass by itself is tried again first. Throws PatchbayError, with the provider's status and reason in its context and, where the
   * provider named one, the delay in `retryAfterMs`.
   */
  get: <T>(path: string, query: Readonly<Record<string, string | undefined>>, schema: z.ZodType<T>) => Promise<T>
  /** As `get`, for any request of a definition; the body of the answer is as it came. */
  send: (request: ApiRequest) => Promise<ApiAnswer>
  /** What this object has sent and received so far. */
  usage: Usage
}

export interface ApiAnswer {
  /** Parsed JSON; undefined only for a request that may be answered with nothing. */
  body: unknown
  headers: Headers
}

export interface Usage {
  /** Requests sent, retries included. */
  requests: number
  /** Bytes of answers, decoded. */
  bytes: number
}

/** What one request may take. Times are in milliseconds. */
export interface RequestLimits {
  /** Of one attempt, until its body is read. */
  timeoutMs: number
  /** Of an answer, decoded. */
  maxBytes: number
  attempts: number
  /** A provider that asks for a longer pause gets it from the job queue: no worker sleeps through it. */
  longestWaitMs: number
  /** No attempt begins later than this after the first, so that an Edge Function ends before its wall clock does (150 s). */
  retryWithinMs: number
}

export const requestLimits: RequestLimits = {
  timeoutMs: 30_000,
  maxBytes: 20 * 1024 * 1024,
  attempts: 5,
  longestWaitMs: 20_000,
  retryWithinMs: 60_000,
}

/** For requests that somebody waits for: rather an error than minutes. */
export const impatientLimits: RequestLimits = {
  ...requestLimits,
  timeoutMs: 15_000,
  attempts: 3,
  longestWaitMs: 3_000,
  retryWithinMs: 10_000,
}

export interface ProviderApiOptions {
  runtime: Pick<Runtime, 'fetch' | 'now' | 'sleep' | 'log' | 'metrics' | 'stopping'> & {
    config: Pick<Config, 'sandboxUrl' | 'optional'>
  }
  definition: ProviderDefinition
  tokens: TokenSource
  /** The company that requests are about, for a provider whose accounts reach several. */
  tenant?: string
  limits?: RequestLimits
  /** The turns of its requests, as `sharedPermits` gives them; undefined: nobody counts. */
  permits?: Permits | undefined
}

/** The API of `definition` for the integration whose tokens `tokens` gives. What `tokens` throws passes through. */
export function createProviderApi({
  runtime,
  definition,
  tokens,
  tenant,
  limits = requestLimits,
  permits,
}: ProviderApiOptions): ProviderApi {
  const usage: Usage = { requests: 0, bytes: 0 }
  const ownHeaders = {
    ...definition.api.headers,
    ...(definition.tenant && tenant !== undefined && { [definition.tenant.header]: tenant }),
  }

  const attempt = async (url: URL, request: ApiRequest, token: AccessToken) => {
    usage.requests += 1
    const { method = 'GET', json } = request
    const outgoing = {
      url: providerUrl(url.href, runtime.config.sandboxUrl),
      method,
      headers: { ...requestHeaders(json), ...ownHeaders, ...request.headers, authorization: `Bearer ${token.accessToken}` },
      body: json === undefined ? null : JSON.stringify(json),
    }
    const sentAt = runtime.now()
    const answer = await fetchAnswer(runtime.fetch, outgoing, { ...limits, stopping: runtime.stopping }, (bytes) => {
      usage.bytes += bytes
    })
    const status = answer.kind === 'lost' ? undefined : answer.status
    runtime.metrics?.requestSent({ provider: definition.id, answer: answerClass(status), ms: runtime.now() - sentAt })
    return judgeAnswer(definition, request, url, answer, runtime.now())
  }

  const send = async (request: ApiRequest): Promise<ApiAnswer & { url: URL }> => {
    const url = apiUrl(definition, request.path, request.query ?? {}, runtime.config)
    const repeatable = isRepeatable(request)
    const limited = { method: request.method ?? 'GET', path: url.pathname }
    const begunAt = runtime.now()
    let token = await orStop(runtime, tokens.get())
    let renewed = false
    let attempts = 0

    for (;;) {
      await permits?.take(limited, Math.min(limits.longestWaitMs, begunAt + limits.retryWithinMs - runtime.now()))
      const judgement = await attempt(url, request, token)
      if (judgement.ok) return { body: judgement.body, headers: judgement.headers, url }

      const { error, next } = judgement
      // A token that was given just now is refused as well: no further one will do.
      if (next === 'reconnect' || (next === 'renew' && renewed)) return refuse(tokens, token, error)
      if (next === 'renew') {
        renewed = true
        token = await orStop(runtime, newerToken(tokens, token, error))
        continue
      }
      attempts += 1
      const waitMs = Math.max(error.retryAfterMs ?? 0, backoffMs(attempts))
      if (error.code === 'provider_rate_limited') await permits?.pause(limited, waitMs)
      const late = waitMs > limits.longestWaitMs || runtime.now() + waitMs > begunAt + limits.retryWithinMs
      const useless = next === 'fail' || (next === 'unsure' && !repeatable)
      if (useless || late || attempts >= limits.attempts) throw error

      const { status, reason } = error.context
      runtime.log.warn('A request failed and is sent again.', {
        provider: definition.id,
        code: error.code,
        status,
        reason,
        waitMs,
      })
      await pause(runtime, waitMs)
    }
  }

  const get: ProviderApi['get'] = async (path, query, schema) => {
    const { body, url } = await send({ path, query })
    return parseBody(definition, url, body, schema)
  }

  return { get, send, usage }
}

function isRepeatable({ method = 'GET', repeatable }: ApiRequest): boolean {
  return repeatable === true || method === 'GET' || method === 'DELETE'
}

/** The token that replaces one which was refused. The same again would be refused again. */
async function newerToken(tokens: TokenSource, refused: AccessToken, error: PatchbayError): Promise<AccessToken> {
  const token = await tokens.renew(refused.version, error.message)
  if (token.accessToken === refused.accessToken) throw error
  return token
}

async function refuse(tokens: TokenSource, token: AccessToken, error: PatchbayError): Promise<never> {
  await tokens.refused(token.version, error.message)
  throw error
}

function apiUrl(
  definition: ProviderDefinition,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  config: Pick<Config, 'optional'>,
): URL {
  const base = fillAddress(definition, definition.api.baseUrl, config)
  const { host } = new URL(base)
  const url = new URL(path.startsWith('https://') ? path : base + path)
  const hosts = [host, ...(definition.api.otherHosts ?? [])]
  // A path such as `.example.org/` or `@example.org/`, or a link in an answer, would take the token to another host.
  if (url.protocol !== 'https:' || !hosts.includes(url.host)) {
    throw new PatchbayError(
      'host_not_allowed',
      `${definition.name} requests go to ${hosts.join(', ')} only, not to ${url.host}.`,
      {
        context: { provider: definition.id, host: url.host },
      },
    )
  }
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

function requestHeaders(json: unknown): Record<string, string> {
  return {
    accept: 'application/json',
    // Some providers compress only for agents that say gzip.
    'user-agent': 'patchbay (gzip)',
    ...(json !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
  }
}

/** Names the field that is wrong, and never its value: it is the user's data. */
function parseBody<T>(definition: ProviderDefinition, url: URL, body: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') || 'the answer itself'
  throw new PatchbayError(
    'provider_answer_invalid',
    `${definition.name} answered ${url.pathname} with something that Patchbay does not understand: ${field}.`,
    { context: { provider: definition.id, field } },
  )
}
