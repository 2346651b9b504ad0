import type { JsonObject, TokenAnswer } from '../define.ts'
import { sentenceReason } from './refusals.ts'

/**
 * Jobber's token answer, which says neither `token_type` nor `expires_in`. Its `expires_at`, which only some answers have, is not needed:
 * the access token is a JWT with the same time in `exp`. Error bodies are not documented; those that were seen are RFC 6749's.
 * https://developer.getjobber.com/docs/building_your_app/refresh_token_rotation
 */
export function jobberTokenAnswer(body: JsonObject): TokenAnswer {
  const { error, token_type } = body
  if (typeof error === 'string') return { error }
  // Any of them says that this account gives no tokens to the app.
  const reason = sentenceReason(body)
  if (reason === 'service_unavailable') return { error: 'temporarily_unavailable' }
  if (reason !== undefined) return { error: 'invalid_grant' }
  return { token: { ...body, token_type: token_type ?? 'Bearer' } }
}
