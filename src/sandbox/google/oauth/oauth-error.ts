import { jsonAnswer, type ErrorAnswer } from '../../provider.ts'

/** An error answer of the token endpoint: RFC 6749, section 5.2. */
export class OAuthError extends Error {
  readonly answer: ErrorAnswer

  constructor(status: number, error: string, description?: string) {
    super(description ?? error)
    this.answer = { status, body: { error, ...(description !== undefined && { error_description: description }) } }
  }
}

// As recorded: apache/opendal issue 3901.
const uncached = { 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate', pragma: 'no-cache' }

/** A token endpoint's answer, which nobody may keep. */
export function tokenAnswer({ status, body, headers }: ErrorAnswer): Response {
  return jsonAnswer({ status, body, headers: { ...uncached, ...headers } })
}
