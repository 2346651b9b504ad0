import { z } from 'zod'
import { PatchbayError } from '../../shared/errors.ts'
import type { Runtime } from '../../shared/runtime.ts'

/** Longer than a function takes that has to start first. */
const timeoutMs = 20_000

/** An answer of the project's gateway; `body` is undefined when it is not a JSON object. */
export interface Answer {
  status: number
  body: Record<string, unknown> | undefined
  /** The body's own `code`, such as `PGRST106`; empty when it has none. */
  code: string
}

/** Sends a request to the project. Resolves with the reason, as a sentence, when nothing answers. Throws `config_invalid`. */
export async function ask({ config, fetch }: Runtime, path: string, init: RequestInit = {}): Promise<Answer | string> {
  try {
    const response = await fetch(`${config.supabaseUrl}${path}`, { ...init, signal: AbortSignal.timeout(timeoutMs) })
    const body = JsonObject.safeParse(parseJson(await response.text())).data
    const code = body?.['code']
    return { status: response.status, body, code: typeof code === 'string' ? code : '' }
  } catch (error) {
    // Of the arguments, as a request that failed has a cause; its message quotes the key.
    if (error instanceof TypeError && error.cause === undefined) {
      throw new PatchbayError('config_invalid', 'A key has a character that no header takes, such as a line break.', {
        hint: 'Copy CONNECTOR_SUPABASE_ANON_KEY and CONNECTOR_SUPABASE_SERVICE_ROLE_KEY again.',
      })
    }
    return `${config.supabaseUrl} does not answer: ${reasonOf(error)}.`
  }
}

const JsonObject = z.record(z.string(), z.unknown())

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
