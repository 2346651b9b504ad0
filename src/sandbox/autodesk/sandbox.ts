import { Hono, type MiddlewareHandler } from 'hono'
import { jsonAnswer, type SandboxEnv, type SandboxFactory } from '../provider.ts'
import { CustomIntegration } from './admin-contract.ts'
import { apiHost, authentication, autodeskOAuth } from './autodesk-oauth.ts'
import { dataManagementRoutes } from './data-management.ts'
import { AutodeskDirectory } from './directory.ts'
import { autodeskErrors } from './errors.ts'
import { userInfoHost, userInfoRoutes } from './user-info.ts'

/** Autodesk Platform Services: sign-in, and the hubs and projects of Autodesk Construction Cloud. */
export const createSandbox: SandboxFactory = async (options) => {
  const directory = new AutodeskDirectory()
  const oauth = await autodeskOAuth(options, directory.accounts)

  const routes = new Hono<SandboxEnv>()
  routes.post(`${authentication}/revoke`, requireHint)
  routes.get(`${authentication}/keys`, async (c) => c.json(await oauth.publicKeys()))
  routes.route('/', oauth.routes)
  routes.route('/', userInfoRoutes(directory, oauth))
  routes.route('/', dataManagementRoutes(directory, oauth))
  const admin = new Hono<SandboxEnv>()
  admin.post('/custom-integrations', async (c) => {
    const { account, added } = CustomIntegration.parse(await c.req.json())
    directory.addApp(account, added)
    return c.body(null, 204)
  })

  return {
    id: 'autodesk',
    hosts: [apiHost, userInfoHost],
    routes,
    observe: oauth.observe,
    admin,
    errors: autodeskErrors,
    controls: { autodesk: { ...oauth.control, fill: (account, count) => directory.fill(account, count) } },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}

/** Which kind of token it is must be said, where RFC 7009 leaves it open. */
const requireHint: MiddlewareHandler<SandboxEnv> = async (c, next) => {
  const { token_type_hint } = await c.req.parseBody()
  if (token_type_hint === 'access_token' || token_type_hint === 'refresh_token') return next()
  return jsonAnswer({
    status: 400,
    body: { error: 'invalid_request', error_description: 'The token_type_hint is missing or invalid.' },
  })
}
