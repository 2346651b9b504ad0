import type { JsonObject, TokenAnswer } from '../define.ts'
import { TokenError } from './answers.ts'

const Refusal = TokenError.pick({ error: true })

/**
 * A token answer with its scopes named as they were asked for: Microsoft may write `https://graph.microsoft.com/calendars.read` for
 * `Calendars.Read`. https://learn.microsoft.com/entra/identity-platform/scopes-oidc
 *
 * Of an error only `error` counts: `error_codes` and the description are for people, and change.
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export function readTokenAnswer(body: JsonObject, askedFor: readonly string[]): TokenAnswer {
  const refused = Refusal.safeParse(body)
  if (refused.success) return refused.data
  const { scope } = body
  return { token: typeof scope === 'string' ? { ...body, scope: asAskedFor(scope, askedFor) } : body }
}

function asAskedFor(scope: string, askedFor: readonly string[]): string {
  const names = scope.split(' ').map((name) => name.replace(/^https:\/\/graph\.microsoft\.com\//i, ''))
  return names.map((name) => askedFor.find((asked) => asked.toLowerCase() === name.toLowerCase()) ?? name).join(' ')
}
