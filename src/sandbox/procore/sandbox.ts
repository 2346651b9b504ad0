import { Hono } from 'hono'
import type { SandboxEnv, SandboxFactory } from '../provider.ts'
import { HourlyLimit, Installation, RevocableToken } from './admin-contract.ts'
import { ProcoreDirectory } from './directory.ts'
import { procoreErrors } from './errors.ts'
import { loginHosts, procoreOAuth } from './procore-oauth.ts'
import { RateLimit } from './rate-limit.ts'
import { Revocation } from './revocation.ts'
import { apiHosts, procoreRoutes } from './routes.ts'

/** Procore: sign-in, tokens, companies, and the projects of a company. */
export const createSandbox: SandboxFactory = async (options) => {
  const { clock } = options
  const directory = new ProcoreDirectory()
  const limit = new RateLimit(clock)
  const oauth = await procoreOAuth(options, directory.accounts)

  const revocation = new Revocation(oauth)

  const routes = new Hono<SandboxEnv>()
  for (const host of loginHosts) routes.post(`/${host}/oauth/revoke`, revocation.ignoreOthers)
  routes.route('/', oauth.routes)
  routes.route('/', procoreRoutes({ directory, oauth, limit }))
  return {
    id: 'procore',
    hosts: [...loginHosts, ...apiHosts],
    routes,
    observe: oauth.observe,
    admin: adminRoutes({ directory, limit, revocation }),
    errors: procoreErrors(() => clock.now()),
    controls: { procore: { ...oauth.control, fill: (login, count) => directory.fill(login, count) } },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}

interface AdminParts {
  directory: ProcoreDirectory
  limit: RateLimit
  revocation: Revocation
}

function adminRoutes({ directory, limit, revocation }: AdminParts): Hono<SandboxEnv> {
  const admin = new Hono<SandboxEnv>()
  admin.post('/installations', async (c) => {
    const { companyId, installed } = Installation.parse(await c.req.json())
    directory.install(companyId, installed)
    return c.body(null, 204)
  })
  admin.post('/hourly-limit', async (c) => {
    limit.requestsPerHour = HourlyLimit.parse(await c.req.json()).requests
    return c.body(null, 204)
  })
  admin.post('/revocable-token', async (c) => {
    revocation.token = RevocableToken.parse(await c.req.json()).token
    return c.body(null, 204)
  })
  return admin
}
