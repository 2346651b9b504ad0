import { Hono, type MiddlewareHandler } from 'hono'
import { jsonAnswer, type SandboxEnv, type SandboxFactory } from '../provider.ts'
import { autodeskAdminRoutes } from './admin-routes.ts'
import { gateway, requireScope } from './api-env.ts'
import { apiHost, authentication, autodeskOAuth } from './autodesk-oauth.ts'
import { AutodeskDirectory } from './directory.ts'
import { autodeskErrors } from './errors.ts'
import { fileControl } from './files/control.ts'
import { FileFinder } from './files/find.ts'
import { openFiles } from './files/open-files.ts'
import { fileReadRoutes, topFolderRoutes } from './files/read-routes.ts'
import { fileWriteRoutes } from './files/write-routes.ts'
import { hubRoutes } from './hub-routes.ts'
import { RateLimit } from './rate-limit.ts'
import { userInfoHost, userInfoRoutes } from './user-info.ts'
import { HookStore } from './webhooks/hook-store.ts'
import { webhookRoutes } from './webhooks/routes.ts'
import { WebhookSender } from './webhooks/webhook-sender.ts'

/** Autodesk Platform Services: sign-in, the hubs, projects and files of Autodesk Construction Cloud, and webhooks. */
export const createSandbox: SandboxFactory = async (options) => {
  const { clock, deliveries, statePath } = options
  const directory = new AutodeskDirectory()
  const { store, recorder, journal } = await openFiles(options, directory)
  const hooks = await HookStore.open(clock, statePath('autodesk-hooks.json'))
  const oauth = await autodeskOAuth(options, directory.accounts)
  const limit = new RateLimit(clock)
  const sender = new WebhookSender(hooks, deliveries)
  store.listener = {
    made: (project) => recorder?.made(project),
    changed: (entry) => recorder?.changed(entry),
    happened: (event) => sender.tell(event),
  }

  const project = `/${apiHost}/project/v1`
  const data = `/${apiHost}/data/v1/projects`
  const webhooks = `/${apiHost}/webhooks/v1`
  const finder = new FileFinder(store, directory)
  const api = gateway(
    directory,
    oauth,
    [project, data, webhooks].map((path) => `${path}/*`),
  )
  for (const path of [project, data]) api.use(`${path}/*`, requireScope('data:read'))
  api.route(project, hubRoutes(directory, limit))
  api.route(project, topFolderRoutes(finder, limit))
  api.route(data, fileReadRoutes(finder, limit))
  api.route(data, fileWriteRoutes(finder, limit, clock))
  api.route(webhooks, webhookRoutes({ directory, files: store, hooks, clock }))
  api.all(`/${apiHost}/*`, () => jsonAnswer(autodeskErrors.notFound({ host: apiHost, path: '' })))

  const routes = new Hono<SandboxEnv>()
  routes.post(`${authentication}/revoke`, requireHint)
  routes.get(`${authentication}/keys`, async (c) => c.json(await oauth.publicKeys()))
  routes.route('/', oauth.routes)
  routes.route('/', userInfoRoutes(directory, oauth))
  routes.route('/', api)

  const flush = async () => {
    await Promise.all([oauth.flush(), hooks.flush(), journal?.flush()])
  }
  return {
    id: 'autodesk',
    hosts: [apiHost, userInfoHost],
    routes,
    observe: oauth.observe,
    admin: autodeskAdminRoutes({ directory, files: store, limit, clock }),
    errors: autodeskErrors,
    controls: { autodesk: { ...oauth.control, fill: (account, count) => directory.fill(account, count) } },
    files: { autodesk_construction_cloud: fileControl(store, clock) },
    flush,
    async close() {
      await flush()
      await journal?.close()
    },
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
