import type { HttpBindings } from '@hono/node-server'
import type { Hono, MiddlewareHandler } from 'hono'
import type { Fault } from './admin-contract.ts'

/** What every request to a simulated provider carries. */
export interface SandboxEnv {
  Bindings: HttpBindings
  Variables: {
    /** The fault that this request met. */
    fault: Fault | undefined
    /** At most this many items in a list, whatever the request asks for. */
    itemLimit: number | undefined
    /** The connection ends without a whole answer. */
    unanswered: boolean | undefined
  }
}

/** One provider, simulated. */
export interface SandboxProvider {
  /** Its own admin routes are below `/_sandbox/<id>`. */
  id: string
  /** The hosts it answers for. Their routes begin with `/<host>`. */
  hosts: readonly string[]
  routes: Hono<SandboxEnv>
  /** Sees every request to its hosts, also those that a fault keeps from the routes. */
  observe: MiddlewareHandler<SandboxEnv>
  admin: Hono<SandboxEnv>
  errors: ProviderErrors
  /** Settles when all that was answered so far is on disk. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** The provider's own words for faults that any provider can have. */
export interface ProviderErrors {
  rateLimit(host: string): ErrorAnswer
  quota(host: string): ErrorAnswer
  serverError(host: string, status: number): ErrorAnswer
  unauthorized(host: string): ErrorAnswer
}

/** `body` is sent as JSON. */
export interface ErrorAnswer {
  status: number
  body: unknown
  headers?: Readonly<Record<string, string>>
}

/** A JSON answer, with the content type that the providers use. */
export function jsonAnswer({ status, body, headers = {} }: ErrorAnswer): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  })
}

/** Splits `/www.googleapis.com/drive/v3/files` into the provider's host and its path there. */
export function providerPath(path: string): { host: string; path: string } {
  const end = path.indexOf('/', 1)
  return end === -1 ? { host: path.slice(1), path: '/' } : { host: path.slice(1, end), path: path.slice(end) }
}
