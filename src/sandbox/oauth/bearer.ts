import type { Context, MiddlewareHandler } from 'hono'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationServer, LiveToken, Verification } from './authorization-server.ts'

/** The environment of routes behind `requireToken`. */
export interface BearerEnv {
  Bindings: SandboxEnv['Bindings']
  Variables: SandboxEnv['Variables'] & { token: LiveToken }
}

/** Why a request has no good access token; `missing`: it has no bearer token at all. */
export type BearerProblem = 'missing' | Exclude<Verification['state'], 'live'>

/** Lets only requests with a good access token pass, as `c.var.token`; the others get what `refuse` says, in the provider's words. */
export function requireToken(
  oauth: Pick<AuthorizationServer, 'verify'>,
  refuse: (problem: BearerProblem, c: Context<BearerEnv>) => Response | Promise<Response>,
): MiddlewareHandler<BearerEnv> {
  return async (c, next) => {
    const value = bearerToken(c.req.header('authorization'))
    if (value === undefined) return refuse('missing', c)
    const verified = oauth.verify(value)
    if (verified.state !== 'live') return refuse(verified.state, c)
    c.set('token', verified.token)
    return next()
  }
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1]
}
