import { ErrorBody, ErrorDetails } from './answers.ts'

/**
 * Procore's errors have no codes, only sentences, and these three ask for something else than their status says. A sentence that is not
 * here, because Procore has changed it, means what its status does. https://developers.procore.com/documentation/rest-api-overview
 */
const sentences = [
  ['App is not connected to this company', 'app_not_connected'],
  ['Missing Procore-Company-Id header', 'company_header_missing'],
  ['The access token is invalid', 'access_token_invalid'],
] as const

/** The reason of an error body in any of Procore's forms: `errors` as text, list or object; `error` as a code or an object; `message`. */
export function procoreReason(body: unknown): string | undefined {
  const parsed = ErrorBody.safeParse(body)
  if (!parsed.success) return undefined
  const { errors, error, message } = parsed.data
  const texts = [errors, error, message].flatMap(textsOf)
  const known = sentences.find(([sentence]) => texts.some((text) => text.startsWith(sentence)))
  if (known) return known[1]
  return typeof error === 'string' ? error : ErrorDetails.safeParse(error).data?.code
}

function textsOf(part: unknown): string[] {
  if (typeof part === 'string') return [part]
  if (typeof part !== 'object' || part === null) return []
  return Object.values(part).flatMap(textsOf)
}

/**
 * How long until the limit that is used up begins anew, in milliseconds. `X-Rate-Limit-Reset`, in seconds since the epoch, is in every
 * answer, and of interest when nothing remains. It is measured by Procore's own clock, where the answer has it; else from `now`.
 * https://developers.procore.com/documentation/rate-limiting
 */
export function rateLimitResetMs(headers: Headers, now: number): number | undefined {
  const reset = headers.get('x-rate-limit-reset')
  if (reset === null || !/^\d+$/.test(reset)) return undefined
  const remaining = headers.get('x-rate-limit-remaining')
  if (remaining !== null && Number(remaining) > 0) return undefined
  const date = Date.parse(headers.get('date') ?? '')
  return Math.max(0, Number(reset) * 1000 - (Number.isNaN(date) ? now : date))
}
