const firstMs = 1_000
const mostMs = 16_000

/**
 * How long to wait after failed attempt number `attempt` (from 1), in milliseconds: full jitter below an exponential ceiling, so that
 * callers that failed together do not return together. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(mostMs, firstMs * 2 ** (attempt - 1))
}

/**
 * The `Retry-After` header in milliseconds from `now` (milliseconds since the epoch): seconds or an HTTP date (RFC 9110, 10.2.3).
 * Undefined when it is absent or neither.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1_000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
