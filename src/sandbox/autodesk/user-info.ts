import type { UserInfo } from '@aps_sdk/authentication'
import { Hono } from 'hono'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { requireToken, type BearerEnv } from '../oauth/bearer.ts'
import { jsonAnswer } from '../provider.ts'
import { requireScope, tokenProblem } from './api-env.ts'
import type { AutodeskDirectory } from './directory.ts'
import { gatewayError } from './errors.ts'

export const userInfoHost = 'api.userprofile.autodesk.com'

/** https://aps.autodesk.com/en/docs/profile/v1/reference/profile/oidcuserinfo */
export function userInfoRoutes(directory: AutodeskDirectory, oauth: AuthorizationServer): Hono<BearerEnv> {
  const routes = new Hono<BearerEnv>()
  const authorize = requireToken(oauth, (problem) => jsonAnswer(tokenProblem(problem)))
  routes.get(`/${userInfoHost}/userinfo`, authorize, requireScope('user-profile:read'), (c) => {
    // A token of the app itself is nobody's.
    if (c.var.token.account === null) return jsonAnswer(gatewayError(403, 'AUTH-010', 'A three-legged token is required.'))
    const { account, givenName, familyName } = directory.person(c.var.token.account)
    return c.json({
      sub: account.id,
      name: `${givenName} ${familyName}`,
      given_name: givenName,
      family_name: familyName,
      preferred_username: givenName.toLowerCase(),
      email: account.name,
      email_verified: true,
      locale: 'en-US',
    } satisfies UserInfo)
  })
  return routes
}
