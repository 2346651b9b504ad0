import type { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import { readText } from '../http/read-text.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider } from '../providers/registry.ts'

const maxBodyBytes = 10 * 1024

export function requireMethod(request: Request, ...methods: string[]): void {
  if (methods.includes(request.method)) return
  throw new PatchbayError('method_not_allowed', `${request.method} is not allowed here.`, {
    hint: `Use ${methods.join(' or ')}.`,
  })
}

/** The provider that the last segment of the path names, as in `/oauth-callback/<provider>`. Throws `unknown_provider`. */
export function providerInPath(request: Request): ProviderDefinition {
  const { pathname } = new URL(request.url)
  return findProvider(pathname.slice(pathname.lastIndexOf('/') + 1))
}

/** The JSON body, up to 10 kB, parsed. Throws `invalid_request`, which names the field and never quotes it. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(request.body, maxBodyBytes)
  if (text === undefined) throw new PatchbayError('invalid_request', `The body is larger than ${maxBodyBytes} bytes.`)
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new PatchbayError('invalid_request', `The request is not valid: ${field === '' ? 'body' : field}: ${issue?.message}.`, {
    context: { field },
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PatchbayError('invalid_request', 'The body is not JSON.')
  }
}
