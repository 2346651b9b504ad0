import type { MiddlewareHandler } from 'hono'
import type { TokenStats } from '../admin-contract.ts'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationServerOptions } from './authorization-server.ts'
import { formRequest } from './endpoint-request.ts'
import { endpointPaths, pathMatcher } from './paths.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
type GrantCounter = Exclude<keyof TokenStats, 'refreshReuses' | 'mostAtOnce'>

/** Counts what the token endpoint is asked and what it issues. */
export class TokenCounter {
  readonly stats: TokenStats
  readonly #options: AuthorizationServerOptions
  readonly #isTokenPath: (path: string) => boolean
  #refreshing = 0

  constructor(options: AuthorizationServerOptions) {
    const zero = () => ({ requests: 0, issued: 0 })
    this.#options = options
    this.#isTokenPath = pathMatcher(endpointPaths(options.paths.token))
    this.stats = {
      authorization_code: zero(),
      refresh_token: zero(),
      client_credentials: zero(),
      jwt_bearer: zero(),
      other: zero(),
      refreshReuses: 0,
      mostAtOnce: 0,
    }
  }

  /** Counts requests as they arrive, whatever becomes of them: also those that meet a fault. */
  readonly observe: MiddlewareHandler<SandboxEnv> = async (c, next) => {
    if (c.req.method !== 'POST' || !this.#isTokenPath(c.req.path)) return next()
    const { jsonBodies = false, usualGrantType } = this.#options
    const grantType = (await formRequest(c, jsonBodies)).parameters.get('grant_type') ?? usualGrantType
    this.stats[counterOf(grantType)].requests += 1
    if (grantType !== 'refresh_token') return next()
    this.#refreshing += 1
    this.stats.mostAtOnce = Math.max(this.stats.mostAtOnce, this.#refreshing)
    try {
      return await next()
    } finally {
      this.#refreshing -= 1
    }
  }

  issued(grantType: string): void {
    this.stats[counterOf(grantType)].issued += 1
  }

  reused(): void {
    this.stats.refreshReuses += 1
  }
}

function counterOf(grantType: string | undefined): GrantCounter {
  if (grantType === jwtBearer) return 'jwt_bearer'
  const named: readonly GrantCounter[] = ['authorization_code', 'refresh_token', 'client_credentials']
  return named.find((name) => name === grantType) ?? 'other'
}
