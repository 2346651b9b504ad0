import type { MiddlewareHandler } from 'hono'
import type { RateLimit } from './admin-contract.ts'
import { jsonAnswer, providerPath, type SandboxEnv, type SandboxProvider } from './provider.ts'

/** How many requests each host allows, over any window of so long. Those that are refused do not count. */
export class RateLimits {
  readonly #limits = new Map<string, RateLimit & { allowed: number[] }>()

  /** In place of the host's limit so far. */
  set(limit: RateLimit): void {
    this.#limits.set(limit.host, { ...limit, allowed: [] })
  }

  clear(): void {
    this.#limits.clear()
  }

  /** Answers what is too much with the provider's own 429. */
  apply(provider: SandboxProvider): MiddlewareHandler<SandboxEnv> {
    return async (c, next) => {
      const place = providerPath(c.req.path)
      if (this.#allow(place.host)) return next()
      return jsonAnswer(provider.errors.rateLimit(place))
    }
  }

  #allow(host: string): boolean {
    const limit = this.#limits.get(host)
    if (limit === undefined) return true
    const now = performance.now()
    // Times are in order: what has left the window is at the beginning.
    const expired = limit.allowed.findIndex((at) => at > now - limit.perMs)
    limit.allowed.splice(0, expired === -1 ? limit.allowed.length : expired)
    if (limit.allowed.length >= limit.requests) return false
    limit.allowed.push(now)
    return true
  }
}
