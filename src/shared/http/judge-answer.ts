import { type ErrorCode, type ErrorContext, PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { retryAfterMs } from './backoff.ts'
import type { Answer } from './fetch-answer.ts'

/** The JSON of an answer; or what is wrong with it, and whether the same request may well succeed in a moment. */
export type Judgement = { ok: true; body: unknown } | { ok: false; error: PatchbayError; retry: boolean }

/** Sorts an answer to GET `url` by what happens next. `now` is in milliseconds since the epoch. */
export function judgeAnswer(definition: ProviderDefinition, url: URL, answer: Answer, now: number): Judgement {
  const path = url.pathname
  const failure = (retry: boolean, code: ErrorCode, message: string, context: ErrorContext, retryAfter?: number): Judgement => ({
    ok: false,
    retry,
    error: new PatchbayError(code, `${definition.name} ${message}`, {
      context: { provider: definition.id, ...context },
      ...(retryAfter !== undefined && { retryAfterMs: retryAfter }),
    }),
  })

  if (answer.kind === 'lost') {
    return failure(true, 'provider_unreachable', `did not answer (${answer.reason}).`, { reason: answer.reason, host: url.host })
  }
  const { status } = answer
  if (answer.kind === 'too-large') {
    return failure(false, 'provider_answer_too_large', `answered ${path} with more than Patchbay reads at once.`, { status })
  }
  const { headers, text } = answer
  const json = parseJson(text)

  if (status >= 200 && status < 300) {
    if (!headers.get('content-type')?.includes('json')) {
      return failure(false, 'provider_answer_invalid', `answered ${path} with something other than JSON.`, { status })
    }
    // Most likely cut on its way.
    if (!json.ok) return failure(true, 'provider_answer_invalid', `answered ${path} with incomplete JSON.`, { status })
    return { ok: true, body: json.value }
  }

  if (status >= 300 && status < 400) {
    const host = redirectHost(headers.get('location'), url)
    return failure(false, 'host_not_allowed', `redirected ${path} to ${host}. Patchbay follows no redirect with a token.`, {
      status,
      host,
    })
  }

  const reason = json.ok ? definition.api.reason(json.value) : undefined
  const context: ErrorContext = { status, ...(reason !== undefined && { reason }) }
  const why = reason === undefined ? `${status}` : `${status}, ${reason}`
  const retryAfter = retryAfterMs(headers.get('retry-after'), now)

  if (status === 429 || (reason !== undefined && definition.api.quotaReasons.includes(reason))) {
    return failure(
      true,
      'provider_rate_limited',
      `is limiting requests (${why}). Patchbay goes on later by itself.`,
      context,
      retryAfter,
    )
  }
  if (status >= 500 || status === 408) {
    return failure(true, 'provider_unavailable', `is failing (${why}). Patchbay goes on later by itself.`, context, retryAfter)
  }
  if (status === 401 || (reason !== undefined && definition.api.reconnectReasons.includes(reason))) {
    return failure(false, 'provider_unauthorized', `no longer accepts this connection (${why}). Connect it again.`, context)
  }
  if (status === 403) {
    return failure(false, 'provider_forbidden', `does not allow this account to read ${path} (${why}).`, context)
  }
  if (status === 404 || status === 410) {
    return failure(false, 'provider_not_found', `has no ${path}, or this account may not see it (${why}).`, context)
  }
  return failure(false, 'provider_rejected', `rejected the request for ${path} (${why}).`, context)
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false }
  }
}

function redirectHost(location: string | null, url: URL): string {
  if (location === null || !URL.canParse(location, url.href)) return 'nowhere'
  return new URL(location, url).host
}
