import { type ErrorCode, type ErrorContext, PatchbayError } from '../errors.ts'
import type { ApiRequest, ProviderDefinition, ReasonMeaning } from '../providers/define.ts'
import { retryAfterMs } from './backoff.ts'
import type { Answer } from './fetch-answer.ts'

/**
 * The JSON of an answer; or what is wrong with it, and what comes next. `retry`: the same request may well succeed in a moment. `unsure`: so
 * it may, but perhaps the provider has carried it out already. `renew`: it may with a newer access token. `reconnect`: only the account's
 * owner can mend it. `fail`: it is of no use.
 */
export type Judgement = { ok: true; body: unknown; headers: Headers } | { ok: false; error: PatchbayError; next: Next }

type Next = 'retry' | 'unsure' | 'renew' | 'reconnect' | 'fail'

/** What each meaning comes to: our code, what the message says after the provider's name, and what to try. */
const outcomes: Record<ReasonMeaning, { code: ErrorCode; says: (path: string, why: string) => string; hint?: string }> = {
  rate_limited: {
    code: 'provider_rate_limited',
    says: (_, why) => `is limiting requests (${why}). Patchbay goes on later by itself.`,
  },
  unavailable: { code: 'provider_unavailable', says: (_, why) => `is failing (${why}). Patchbay goes on later by itself.` },
  unauthorized: {
    code: 'provider_unauthorized',
    says: (_, why) => `no longer accepts this connection (${why}). Connect it again.`,
  },
  reconnect: { code: 'provider_unauthorized', says: (_, why) => `no longer accepts this connection (${why}). Connect it again.` },
  forbidden: { code: 'provider_forbidden', says: (path, why) => `does not allow this account to read ${path} (${why}).` },
  missing_scope: {
    code: 'missing_scope',
    says: (path, why) => `was connected without a permission that ${path} needs (${why}).`,
    hint: 'Connect the account again, and allow it.',
  },
  not_installed: {
    code: 'app_not_installed',
    says: (path, why) => `does not let this app read ${path}: it is not installed there (${why}).`,
    hint: 'An administrator of the company or workspace has to install the app at the provider.',
  },
  not_found: { code: 'provider_not_found', says: (path, why) => `has no ${path}, or this account may not see it (${why}).` },
  rejected: { code: 'provider_rejected', says: (path, why) => `rejected the request for ${path} (${why}).` },
  contract: { code: 'provider_answer_invalid', says: (path, why) => `answered ${path} otherwise than agreed (${why}).` },
}

/** Every code that a request to a provider's API can end with. */
export const answerErrors: readonly ErrorCode[] = [
  ...new Set(Object.values(outcomes).map(({ code }) => code)),
  'provider_unreachable',
  'provider_answer_too_large',
  'host_not_allowed',
]

/** Sorts the answer to `request`, sent to `url`, by what happens next. `now` is in milliseconds since the epoch. */
export function judgeAnswer(
  definition: ProviderDefinition,
  request: Pick<ApiRequest, 'mayBeEmpty'>,
  url: URL,
  answer: Answer,
  now: number,
): Judgement {
  const { api, id, name } = definition
  const path = url.pathname
  const failure = (next: Next, code: ErrorCode, message: string, context: ErrorContext): Judgement => ({
    ok: false,
    next,
    error: new PatchbayError(code, `${name} ${message}`, { context: { provider: id, ...context } }),
  })

  if (answer.kind === 'lost') {
    return failure('unsure', 'provider_unreachable', `did not answer (${answer.reason}).`, {
      reason: answer.reason,
      host: url.host,
    })
  }
  const { status } = answer
  if (answer.kind === 'too-large') {
    return failure('fail', 'provider_answer_too_large', `answered ${path} with more than Patchbay reads at once.`, { status })
  }
  const { headers } = answer
  const json = parseJson(answer.text)
  if (status >= 300 && status < 400) {
    const host = redirectHost(headers.get('location'), url)
    return failure('fail', 'host_not_allowed', `redirected ${path} to ${host}. Patchbay follows no redirect with a token.`, {
      status,
      host,
    })
  }

  if (request.mayBeEmpty && status < 300 && answer.text === '') return { ok: true, body: undefined, headers }

  const found = json.ok ? api.reason(json.value) : undefined
  if (status < 300 && found === undefined) {
    if (!headers.get('content-type')?.includes('json')) {
      return failure('fail', 'provider_answer_invalid', `answered ${path} with something other than JSON.`, { status })
    }
    // Most likely cut on its way.
    if (!json.ok) return failure('unsure', 'provider_answer_invalid', `answered ${path} with incomplete JSON.`, { status })
    return { ok: true, body: json.value, headers }
  }

  const known = found !== undefined && Object.hasOwn(api.reasons, found) ? api.reasons[found] : undefined
  // A provider may answer a sentence where a code belongs, and a sentence may quote what was sent: it is not repeated.
  const reason = known !== undefined || /^[\w.-]{1,64}$/.test(found ?? '') ? found : undefined
  const meaning = known ?? meaningOf(status)
  const { code, says, hint } = outcomes[meaning]
  const next = nextOf(meaning)
  const asked = () =>
    retryAfterMs(headers.get('retry-after'), now) ?? api.retryAfterMs?.({ status, headers, body: json.value }, now)
  const wait = next === 'retry' || next === 'unsure' ? asked() : undefined
  return {
    ok: false,
    next,
    error: new PatchbayError(code, `${name} ${says(path, reason === undefined ? `${status}` : `${status}, ${reason}`)}`, {
      context: { provider: id, status, ...(reason !== undefined && { reason }) },
      ...(hint !== undefined && { hint }),
      ...(wait !== undefined && { retryAfterMs: wait }),
    }),
  }
}

function nextOf(meaning: ReasonMeaning): Next {
  if (meaning === 'rate_limited') return 'retry'
  if (meaning === 'unavailable') return 'unsure'
  if (meaning === 'unauthorized') return 'renew'
  return meaning === 'reconnect' ? 'reconnect' : 'fail'
}

function meaningOf(status: number): ReasonMeaning {
  if (status === 429) return 'rate_limited'
  if (status >= 500 || status === 408) return 'unavailable'
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'not_found'
  return 'rejected'
}

function parseJson(text: string): { ok: boolean; value: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false, value: undefined }
  }
}

function redirectHost(location: string | null, url: URL): string {
  if (location === null || !URL.canParse(location, url.href)) return 'nowhere'
  return new URL(location, url).host
}
