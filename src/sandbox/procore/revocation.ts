import type { MiddlewareHandler } from 'hono'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { formRequest } from '../oauth/endpoint-request.ts'
import type { RevocableToken } from './admin-contract.ts'

/** Which token ends a connection: Procore's guide revokes the access token, its reference says that both end. */
export class Revocation {
  token: RevocableToken = 'either'
  readonly #oauth: AuthorizationServer

  constructor(oauth: AuthorizationServer) {
    this.#oauth = oauth
  }

  /** Stands before the revocation endpoint. A token of the other kind is answered like one that nobody knows (RFC 7009 §2.2). */
  readonly ignoreOthers: MiddlewareHandler<SandboxEnv> = async (c, next) => {
    if (this.token === 'either') return next()
    const { parameters } = await formRequest(c, true)
    const known = this.#oauth.verify(parameters.get('token') ?? '').state !== 'unknown'
    if (this.token === (known ? 'access_token' : 'refresh_token')) return next()
    return new Response(null, { headers: { 'content-type': 'application/json; charset=UTF-8' } })
  }
}
