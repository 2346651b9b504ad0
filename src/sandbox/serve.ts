import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { adminRoutes } from './admin.ts'
import { applyFault } from './apply-fault.ts'
import type { SandboxClock } from './clock.ts'
import type { Deliveries } from './deliveries.ts'
import { Faults } from './faults.ts'
import type { SandboxEnv, SandboxProvider } from './provider.ts'
import { RateLimits } from './rate-limits.ts'
import { RequestLog } from './request-log.ts'

/** A running sandbox. */
export interface Sandbox {
  /** `http://<host>:<port>`. The provider's `https://<host>/<path>` is at `<url>/<host>/<path>`, the admin API below `<url>/_sandbox`. */
  url: string
  /** Ends open connections, writes what is not yet on disk and stops. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface ServeOptions {
  /** The clock that the providers were made with. */
  clock: SandboxClock
  /** What the providers were given to send notifications with; it ends with the server. */
  deliveries: Deliveries
  port: number
  host: string
}

const keepAliveMs = 65_000

/** Serves simulated providers, and closes them when it stops. Throws when the port is taken. */
export async function serveProviders(
  providers: readonly SandboxProvider[],
  { clock, deliveries, port, host }: ServeOptions,
): Promise<Sandbox> {
  const closing = new AbortController()
  const server = createServer(
    getRequestListener(routes(providers, { clock, deliveries, closing: closing.signal }).fetch, { overrideGlobalObjects: false }),
  )
  // A client may send on an open connection just when it ends for having been idle: providers wait longer than Node's five seconds.
  server.keepAliveTimeout = keepAliveMs
  const close = async () => {
    closing.abort()
    deliveries.close()
    if (server.listening) await stop(server)
    await Promise.all(providers.map((provider) => provider.close()))
  }

  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    await close()
    throw error
  }
  const address = server.address()
  const actualPort = address !== null && typeof address === 'object' ? address.port : port
  return { url: `http://${host}:${actualPort}`, close, [Symbol.asyncDispose]: close }
}

function routes(
  providers: readonly SandboxProvider[],
  { clock, deliveries, closing }: Pick<ServeOptions, 'clock' | 'deliveries'> & { closing: AbortSignal },
): Hono<SandboxEnv> {
  const log = new RequestLog()
  const faults = new Faults()
  const limits = new RateLimits()
  const app = new Hono<SandboxEnv>()
  app.use('*', async (c, next) => {
    await next()
    if (c.get('unanswered') !== true) c.header('date', new Date(clock.now()).toUTCString())
    // What was answered survives kill -9.
    if (c.req.method !== 'GET') await Promise.all(providers.map((provider) => provider.flush()))
  })
  app.route('/_sandbox', adminRoutes({ log, faults, limits, clock, deliveries, providers }))
  for (const provider of providers) {
    for (const host of provider.hosts) {
      app.use(`/${host}/*`, log.record, provider.observe, limits.apply(provider), applyFault(faults, provider, closing))
    }
    app.route('/', provider.routes)
  }
  app.notFound((c) => c.json({ error: `The sandbox has no provider behind ${c.req.path}.` }, 404))
  return app
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
