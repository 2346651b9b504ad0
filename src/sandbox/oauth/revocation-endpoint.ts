import { Hono } from 'hono'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationServerOptions, RevocationPolicy } from './authorization-server.ts'
import { authenticateClient } from './client-auth.ts'
import { formRequest, requiredParameter } from './endpoint-request.ts'
import { OAuthError, rfcErrorAnswer, uncachedAnswer } from './oauth-error.ts'
import { endpointPaths } from './paths.ts'
import type { TokenStore } from './token-store.ts'

/** The revocation endpoint: RFC 7009. */
export function revocationEndpoint(options: AuthorizationServerOptions, store: TokenStore): Hono<SandboxEnv> {
  const { jsonBodies = false, revocation = {}, errorAnswer = rfcErrorAnswer } = options
  const routes = new Hono<SandboxEnv>()
  const paths = endpointPaths(options.paths.revoke)
  if (paths.length === 0) return routes

  routes.on('POST', paths, async (c) => {
    const request = await formRequest(c, jsonBodies)
    try {
      if (revocation.clientAuth !== false) authenticateClient(request.parameters, c.req.header('authorization'), options)
      const ended = revoke(requiredParameter(request, 'token'), store, revocation)
      if (!ended && revocation.unknown === 'refused') throw new OAuthError('token-unknown', 'Token expired or revoked')
      return new Response(null, { headers: { 'content-type': 'application/json; charset=UTF-8' } })
    } catch (error) {
      if (error instanceof OAuthError) return uncachedAnswer(errorAnswer(error, request))
      throw error
    }
  })
  return routes
}

/** False when the token is not in force. */
function revoke(token: string, store: TokenStore, { ends = 'grant' }: RevocationPolicy): boolean {
  const family = store.liveFamily(token)
  if (family === undefined) return store.endToken(token)
  if (ends === 'token') return store.endToken(token)
  if (ends === 'family') store.endFamily(family.id)
  else store.endGrant(family.grantId)
  return true
}
