import type { Context } from 'hono'
import { providerPath, type SandboxEnv } from '../provider.ts'
import type { EndpointRequest } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

/** A request whose parameters are a form; JSON as well, where the provider takes it. Empty when the body is something else. */
export async function formRequest(c: Context<SandboxEnv>, jsonBodies: boolean): Promise<EndpointRequest> {
  return { ...place(c), parameters: jsonBodies && isJson(c) ? await jsonParameters(c) : await formParameters(c) }
}

/** A request whose parameters are in the query. */
export function queryRequest(c: Context<SandboxEnv>): EndpointRequest {
  return { ...place(c), parameters: present(new URL(c.req.url).searchParams) }
}

/** A parameter that must be there. Throws OAuthError. */
export function requiredParameter({ parameters }: EndpointRequest, name: string): string {
  const value = parameters.get(name)
  if (value === undefined) throw new OAuthError('parameter-missing', `Missing required parameter: ${name}`)
  return value
}

function place(c: Context<SandboxEnv>): Pick<EndpointRequest, 'host' | 'params'> {
  return { host: providerPath(c.req.path).host, params: c.req.param() }
}

function isJson(c: Context<SandboxEnv>): boolean {
  return c.req.header('content-type')?.startsWith('application/json') ?? false
}

async function formParameters(c: Context<SandboxEnv>): Promise<Map<string, string>> {
  return present(await c.req.formData().catch(() => new FormData()))
}

async function jsonParameters(c: Context<SandboxEnv>): Promise<Map<string, string>> {
  const body: unknown = await c.req.json().catch(() => null)
  return present(typeof body === 'object' && body !== null ? Object.entries(body) : [])
}

// RFC 6749 §3.1: a parameter without a value counts as left out. Of a repeated one, the first is taken.
function present(entries: Iterable<[string, unknown]>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of entries) {
    if (typeof value === 'string' && value !== '' && !found.has(name)) found.set(name, value)
  }
  return found
}
