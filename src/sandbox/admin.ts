import { Hono } from 'hono'
import { z } from 'zod'
import { ClockSetting, DeliveryCopies, FaultRule, RateLimit } from './admin-contract.ts'
import type { SandboxClock } from './clock.ts'
import { controlRoutes } from './control-routes.ts'
import type { Deliveries } from './deliveries.ts'
import type { Faults } from './faults.ts'
import { fileControlRoutes } from './file-control-routes.ts'
import type { SandboxEnv, SandboxProvider } from './provider.ts'
import type { RateLimits } from './rate-limits.ts'
import type { RequestLog } from './request-log.ts'

interface AdminOptions {
  log: RequestLog
  faults: Faults
  limits: RateLimits
  clock: SandboxClock
  deliveries: Deliveries
  providers: readonly SandboxProvider[]
}

/** The routes below `/_sandbox`: what a developer or a test steers the sandbox with. A wrong body is answered with 400. */
export function adminRoutes({ log, faults, limits, clock, deliveries, providers }: AdminOptions): Hono<SandboxEnv> {
  const admin = new Hono<SandboxEnv>()
  admin.get('/requests', (c) => c.json(log.entries()))
  admin.delete('/requests', (c) => {
    log.clear()
    return c.body(null, 204)
  })
  admin.get('/stats', (c) => c.json(log.stats()))
  admin.get('/faults', (c) => c.json(faults.list()))
  admin.post('/faults', async (c) => c.json({ id: faults.add(FaultRule.parse(await c.req.json())) }, 201))
  admin.delete('/faults', (c) => {
    faults.clear()
    return c.body(null, 204)
  })
  admin.post('/limits', async (c) => {
    limits.set(RateLimit.parse(await c.req.json()))
    return c.body(null, 204)
  })
  admin.delete('/limits', (c) => {
    limits.clear()
    return c.body(null, 204)
  })
  admin.post('/clock', async (c) => {
    clock.setSkew(ClockSetting.parse(await c.req.json()).skewSeconds)
    return c.body(null, 204)
  })
  admin.get('/deliveries', (c) => c.json(deliveries.entries()))
  admin.post('/deliveries/copies', async (c) => {
    deliveries.setCopies(DeliveryCopies.parse(await c.req.json()).copies)
    return c.body(null, 204)
  })
  admin.post('/deliveries/replay', (c) => {
    deliveries.replay()
    return c.body(null, 204)
  })
  admin.post('/deliveries/settle', async (c) => {
    await deliveries.settled()
    return c.body(null, 204)
  })
  admin.route('/control', controlRoutes(providers))
  admin.route('/files', fileControlRoutes(providers))
  for (const provider of providers) admin.route(`/${provider.id}`, provider.admin)
  admin.onError((error, c) => c.json({ error: error instanceof z.ZodError ? z.prettifyError(error) : error.message }, 400))
  return admin
}
