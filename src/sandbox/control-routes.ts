import { Hono, type MiddlewareHandler } from 'hono'
import { AccountName, FillOrder, TokenSettings } from './admin-contract.ts'
import type { SandboxControl, SandboxEnv, SandboxProvider } from './provider.ts'

interface ControlEnv {
  Bindings: SandboxEnv['Bindings']
  Variables: SandboxEnv['Variables'] & { control: SandboxControl }
}

/** The generic control of every simulated provider, below `/_sandbox/control/<provider id>`. */
export function controlRoutes(providers: readonly SandboxProvider[]): Hono<ControlEnv> {
  const controls = new Map(providers.flatMap((provider) => Object.entries(provider.controls)))
  const routes = new Hono<ControlEnv>()
  routes.get('/', (c) => c.json([...controls.keys()]))
  routes.use('/:provider/*', findControl(controls))

  routes.get('/:provider/accounts', (c) => c.json(c.var.control.accounts))
  routes.get('/:provider/token-stats', (c) => c.json(c.var.control.tokenStats()))
  routes.get('/:provider/tokens', (c) => c.json(c.var.control.tokens()))
  routes.post('/:provider/configure', async (c) => {
    c.var.control.configure(TokenSettings.parse(await c.req.json()))
    return c.body(null, 204)
  })
  routes.post('/:provider/expire-access-tokens', (c) => {
    c.var.control.expireAccessTokens()
    return c.body(null, 204)
  })
  routes.post('/:provider/revoke-grants', async (c) => {
    const { account } = AccountName.parse(await c.req.json())
    return c.json({ grants: c.var.control.revokeGrants(account) })
  })
  routes.get('/:provider/live-grants', (c) => {
    const { account } = AccountName.parse(c.req.query())
    return c.json({ grants: c.var.control.liveGrants(account) })
  })
  routes.post('/:provider/fill', async (c) => {
    const { account, count } = FillOrder.parse(await c.req.json())
    await c.var.control.fill(account, count)
    return c.body(null, 204)
  })
  return routes
}

function findControl(controls: ReadonlyMap<string, SandboxControl>): MiddlewareHandler<ControlEnv, '/:provider/*'> {
  return async (c, next) => {
    const id = c.req.param('provider')
    const control = controls.get(id)
    if (control === undefined) {
      return c.json({ error: `The sandbox has no provider ${id}, only ${[...controls.keys()].join(', ')}.` }, 404)
    }
    c.set('control', control)
    return next()
  }
}
