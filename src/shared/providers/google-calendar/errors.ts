import type { ReasonMeaning } from '../define.ts'
import { ErrorBody } from './answers.ts'

/** https://developers.google.com/workspace/calendar/api/guides/errors. A bare 403 says nothing: its reason does. */
export const reasons = {
  rateLimitExceeded: 'rate_limited',
  userRateLimitExceeded: 'rate_limited',
  quotaExceeded: 'rate_limited',
  dailyLimitExceeded: 'rate_limited',
  backendError: 'unavailable',
  internalError: 'unavailable',
  authError: 'unauthorized',
  insufficientPermissions: 'missing_scope',
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'missing_scope',
  // The Calendar API is not enabled in the operator's project.
  accessNotConfigured: 'forbidden',
  SERVICE_DISABLED: 'forbidden',
  forbidden: 'forbidden',
  forbiddenForNonOrganizer: 'forbidden',
  notFound: 'not_found',
  deleted: 'not_found',
  // The position in the change feed is no longer good: what reads the feed begins again.
  fullSyncRequired: 'rejected',
  updatedMinTooLongAgo: 'rejected',
  badRequest: 'rejected',
  invalid: 'rejected',
  timeRangeEmpty: 'rejected',
  duplicate: 'rejected',
  conflict: 'rejected',
  conditionNotMet: 'rejected',
  // Of a notification address; it comes as 401, and no token is at fault.
  'push.webhookUrlUnauthorized': 'rejected',
  // Not `required`: it is a missing parameter with 400 and a missing token with 401, and the status tells which.
} as const satisfies Record<string, ReasonMeaning>

/** The reason code of an error answer, of Google Drive too. */
export function reason(body: unknown): string | undefined {
  const { errors, details } = ErrorBody.safeParse(body).data?.error ?? {}
  return errors?.[0]?.reason ?? details?.find((detail) => detail.reason)?.reason ?? undefined
}

/**
 * How long Google asks to wait, in milliseconds: it sends no `Retry-After` and may end its message with
 * `Retry after 2026-07-18T12:00:00.000Z`.
 */
export function retryAfterMs({ body }: { body: unknown }, now: number): number | undefined {
  const message = ErrorBody.safeParse(body).data?.error.message ?? ''
  const at = Date.parse(/\bRetry after (\d{4}-\d\d-\d\dT\S+)$/.exec(message)?.[1] ?? '')
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
