import { Hono } from 'hono'
import { z } from 'zod'
import type { SandboxEnv, SandboxFactory } from '../provider.ts'
import { Businesses } from './businesses.ts'
import { jobberErrors } from './errors.ts'
import { jobberOAuth } from './jobber-oauth.ts'
import { jobberRoutes } from './routes.ts'
import { Versions } from './versions.ts'

const VersionChoice = z.object({ version: z.string() })

/** Jobber: sign-in, tokens, and as much of its GraphQL schema as is asked for. */
export const createSandbox: SandboxFactory = async (options) => {
  const { clock } = options
  const businesses = new Businesses()
  const versions = new Versions(clock)
  const oauth = await jobberOAuth(options, businesses)

  const routes = new Hono<SandboxEnv>()
  routes.route('/', oauth.routes)
  routes.route('/', jobberRoutes({ businesses, oauth, versions, clock }))
  const admin = new Hono<SandboxEnv>()
  admin.post('/retire-version', async (c) => {
    versions.retire(VersionChoice.parse(await c.req.json()).version)
    return c.body(null, 204)
  })
  return {
    id: 'jobber',
    hosts: ['api.getjobber.com'],
    routes,
    observe: oauth.observe,
    admin,
    errors: jobberErrors,
    controls: { jobber: { ...oauth.control, fill: (administrator, count) => businesses.fill(administrator, count) } },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}
