import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { RequestEntry, RequestStats } from './admin-contract.ts'
import { providerPath, type SandboxEnv } from './provider.ts'

const capacity = 20_000
// A log is read, pasted and kept: nothing in it may open anything, not even a simulated account.
const secretParameters = new Set([
  'access_token',
  'assertion',
  'client_secret',
  'code',
  'code_challenge',
  'id_token',
  'refresh_token',
  'state',
  'token',
])

/** What the providers were asked, and how it went. Keeps the last 20,000 requests and counts all. */
export class RequestLog {
  #entries: RequestEntry[] = []
  #stats: RequestStats = { requests: 0, routes: {} }

  /** Notes a request on arrival and its status when it is answered. */
  readonly record: MiddlewareHandler<SandboxEnv> = async (c, next) => {
    const begun = performance.now()
    const entry: RequestEntry = {
      at: new Date().toISOString(),
      method: c.req.method,
      ...providerPath(c.req.path),
      query: withoutSecrets(c.req.query()),
      status: null,
      ms: null,
      fault: null,
    }
    this.#entries.push(entry)
    if (this.#entries.length >= 2 * capacity) this.#entries = this.#entries.slice(-capacity)
    this.#stats.requests += 1
    await next()
    entry.ms = Math.round((performance.now() - begun) * 10) / 10
    entry.fault = c.get('fault')?.type ?? null
    if (c.get('unanswered') !== true) entry.status = c.res.status
    const routes = matchedRoutes(c).map(({ path }) => path.slice(1))
    this.#count(`${entry.method} ${routes.findLast((route) => !route.endsWith('*')) ?? routes.at(-1) ?? ''}`, entry.status)
  }

  entries(): readonly RequestEntry[] {
    return this.#entries.slice(-capacity)
  }

  stats(): RequestStats {
    return this.#stats
  }

  clear(): void {
    this.#entries = []
    this.#stats = { requests: 0, routes: {} }
  }

  #count(route: string, status: number | null): void {
    const statuses = (this.#stats.routes[route] ??= {})
    const key = status === null ? 'none' : String(status)
    statuses[key] = (statuses[key] ?? 0) + 1
  }
}

function withoutSecrets(query: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, secretParameters.has(name) ? '…' : value]))
}
