import type { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import { readText } from '../http/read-text.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider } from '../providers/registry.ts'

const maxBodyBytes = 10 * 1024

export function requireMethod(request: Request, ...methods: string[]): void {
  if (!methods.includes(request.method)) throw methodNotAllowed(request, methods)
}

export function methodNotAllowed(request: Request, methods: readonly string[]): PatchbayError {
  return new PatchbayError('method_not_allowed', `${request.method} is not allowed here.`, {
    hint: `Use ${methods.join(' or ')}.`,
  })
}

/** The provider that the last segment of the path names, as in `/oauth-callback/<provider>`. Throws `unknown_provider`. */
export function providerInPath(request: Request): ProviderDefinition {
  const { pathname } = new URL(request.url)
  return findProvider(pathname.slice(pathname.lastIndexOf('/') + 1))
}

/** The JSON body, up to 10 kB, parsed; no body is an empty object. Throws `invalid_request`, which names the field and never quotes it. */
export async function readBody<Schema extends z.ZodType>(request: Request, schema: Schema): Promise<z.output<Schema>> {
  const text = await readText(request.body, maxBodyBytes)
  if (text === undefined) throw new PatchbayError('invalid_request', `The body is larger than ${maxBodyBytes} bytes.`)
  return parse(schema, text === '' ? {} : parseJson(text))
}

/** The query, parsed. Throws `invalid_request`, as `readBody` does. */
export function readQuery<Schema extends z.ZodType>(request: Request, schema: Schema): z.output<Schema> {
  return parse(schema, Object.fromEntries(new URL(request.url).searchParams))
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { field, problem } = describeIssue(parsed.error.issues[0])
  throw new PatchbayError('invalid_request', `The request is not valid: ${field}: ${problem}.`, { context: { field } })
}

function describeIssue(issue: z.core.$ZodIssue | undefined): { field: string; problem: string } {
  if (issue?.code !== 'unrecognized_keys')
    return { field: issue?.path.join('.') || 'body', problem: issue?.message ?? 'Invalid input' }
  // Named if it looks like a name: somebody may have sent a token in its place.
  const name = issue.keys.find((key) => /^\w{1,32}$/.test(key))
  return { field: name ?? 'body', problem: 'There is no such field' }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PatchbayError('invalid_request', 'The body is not JSON.')
  }
}
