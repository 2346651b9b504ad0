import { Hono, type MiddlewareHandler } from 'hono'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { requireToken, type BearerEnv, type BearerProblem } from '../oauth/bearer.ts'
import { jsonAnswer } from '../provider.ts'
import type { AutodeskDirectory } from './directory.ts'
import { AutodeskProblem, closed, gatewayError } from './errors.ts'
import type { Viewer } from './files/access.ts'

/** The environment of the routes behind the gateway. */
export interface ApiEnv {
  Bindings: BearerEnv['Bindings']
  Variables: BearerEnv['Variables'] & {
    /** On whose behalf the request is: the token's, or whom the app acts for. */
    viewer: Viewer
  }
}

/** Routes that only a request with a good access token reaches, and that answer with the problems that are thrown in them. */
export function gateway(directory: AutodeskDirectory, oauth: AuthorizationServer, paths: readonly string[]): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  const authorize = requireToken(oauth, (problem) => jsonAnswer(tokenProblem(problem)))
  for (const path of paths) routes.use(path, authorize, actFor(directory))
  routes.onError((error) => {
    if (error instanceof AutodeskProblem) return jsonAnswer(error.answer)
    throw error
  })
  return routes
}

/** Lets only tokens with one of the scopes pass. */
export function requireScope(...scopes: readonly string[]): MiddlewareHandler<BearerEnv> {
  return async (c, next) => {
    if (scopes.some((scope) => c.var.token.scopes.includes(scope))) return next()
    return jsonAnswer(gatewayError(403, 'AUTH-004', 'The access token does not have the scope for this request.'))
  }
}

/** The gateway's answer to a request without a good token. */
export function tokenProblem(problem: BearerProblem) {
  if (problem === 'missing') return gatewayError(401, 'AUTH-012', 'The Authorization header is missing or malformed.')
  return gatewayError(401, 'AUTH-006', 'The access token is invalid or expired.')
}

/** The header `x-user-id` counts for a token of the app itself. */
function actFor(directory: AutodeskDirectory): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { account } = c.var.token
    const userId = c.req.header('x-user-id')
    if (account !== null || userId === undefined) c.set('viewer', account)
    else {
      const person = directory.personById(userId)
      if (person === undefined) throw closed()
      c.set('viewer', person.account.name)
    }
    return next()
  }
}
