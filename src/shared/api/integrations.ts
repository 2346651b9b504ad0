import { Hono } from 'hono'
import { PatchbayError } from '../errors.ts'
import { type User, authenticate } from '../oauth/authenticate.ts'
import { methodNotAllowed } from '../oauth/request.ts'
import { jsonResponse } from '../responses.ts'
import type { Runtime } from '../runtime.ts'
import { limitUser } from './limiter.ts'
import { openApiDocument } from './openapi.ts'
import { routes } from './routes.ts'

interface Env {
  Bindings: { runtime: Runtime }
  Variables: { user: User }
}

/** The Edge Function `integrations`: the connections of the user who calls. Only its own description needs no JWT. */
export async function handleIntegrations(request: Request, runtime: Runtime): Promise<Response> {
  return router.fetch(request, { runtime })
}

const router = createRouter()

function createRouter(): Hono<Env> {
  const router = new Hono<Env>({ strict: false }).basePath('/integrations')
  // Our own caller turns errors into answers.
  router.onError((error) => {
    throw error
  })
  router.notFound(({ req }) => {
    throw new PatchbayError('not_found', 'There is no such route.', {
      hint: `${req.method} is answered at the paths in /integrations/openapi.json.`,
    })
  })
  router.get('/openapi.json', ({ env }) => jsonResponse(openApiDocument(env.runtime.config.functionsUrl)))
  // From here on, also for a path that does not exist.
  router.use('*', async (c, next) => {
    c.set('user', await authenticate(c.req.raw, c.env.runtime))
    await next()
  })
  for (const { method, path, points, respond } of routes) {
    router.on(method.toUpperCase(), path, async ({ req, env: { runtime }, var: { user } }) => {
      await limitUser(runtime, user, points)
      return respond({ request: req.raw, runtime, user, part: (name) => req.param(name) ?? '' })
    })
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase())
    router.all(path, ({ req }) => {
      throw methodNotAllowed(req.raw, methods)
    })
  }
  return router
}
