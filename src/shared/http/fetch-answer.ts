import { readText } from './read-text.ts'

/** What became of a request: an answer that was read to its end, or none. */
export type Answer =
  | { kind: 'read'; status: number; headers: Headers; text: string }
  | { kind: 'lost'; reason: string }
  | { kind: 'too-large'; status: number }

interface Limits {
  /** Until the body is read. */
  timeoutMs: number
  /** Of the body, decoded: a small compressed answer can be a large one. */
  maxBytes: number
  /** Ends the request early; what it aborts with is thrown. */
  stopping: AbortSignal | undefined
}

interface OutgoingRequest {
  url: string
  method: string
  headers: Record<string, string>
  body: string | null
}

/** Sends a request, follows no redirect, and reads the answer within `limits`. `count` is told the size of each piece, in bytes. */
export async function fetchAnswer(
  fetch: typeof globalThis.fetch,
  { url, ...request }: OutgoingRequest,
  limits: Limits,
  count: (bytes: number) => void,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(limits.timeoutMs)
  const signal = limits.stopping ? AbortSignal.any([limits.stopping, timeout]) : timeout
  try {
    const response = await fetch(url, { ...request, redirect: 'manual', signal })
    const { status, headers } = response
    const text = await readText(response.body, limits.maxBytes, count)
    return text === undefined ? { kind: 'too-large', status } : { kind: 'read', status, headers, text }
  } catch (error) {
    limits.stopping?.throwIfAborted()
    // Not the error itself: Deno writes the whole URL into its message, and some runtimes a refused header.
    return { kind: 'lost', reason: lostReason(error) }
  }
}

/** Such as `ECONNREFUSED` or `TimeoutError`. */
function lostReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { cause } = error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return error.name
}
