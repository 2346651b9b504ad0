import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { adminRoutes } from './admin.ts'
import { applyFault } from './apply-fault.ts'
import { SandboxClock } from './clock.ts'
import { Faults } from './faults.ts'
import { findFactories } from './find-factories.ts'
import { defaultClient, type OAuthClient } from './oauth/clients.ts'
import type { SandboxEnv, SandboxFactoryOptions, SandboxProvider } from './provider.ts'
import { RequestLog } from './request-log.ts'

/** How a sandbox is set up. */
export interface SandboxOptions {
  /** 0, the default: any free port. */
  port?: number
  /** Default 127.0.0.1. The sandbox has no protection of its own: keep it on this machine. */
  host?: string
  /** A folder on disk whose tree becomes the default account's files. */
  root?: string
  /** Mounts the tree that many times, below `copy-1`, `copy-2`, …; default 1, directly. */
  copies?: number
  /** Adds what is rare, so that a demo shows it: shared drives and documents, say, which no folder on disk has. */
  extras?: boolean
  /** Where tokens, changes and their order survive a restart. Without it, all is in memory. */
  stateDir?: string
  /** The apps that every provider knows; by default `sandbox-client`, which may redirect to any loopback address. */
  clients?: readonly OAuthClient[]
}

/** A running sandbox. */
export interface Sandbox {
  /** `http://<host>:<port>`. The provider's `https://<host>/<path>` is at `<url>/<host>/<path>`, the admin API below `<url>/_sandbox`. */
  url: string
  /** Ends open connections, writes what is not yet on disk and stops. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts the simulated providers on one HTTP server. Throws when the port is taken or `stateDir` cannot be used. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', stateDir } = options
  if (stateDir !== undefined) await mkdir(stateDir, { recursive: true })
  const clock = new SandboxClock()
  const providers = await createProviders(factoryOptions(options, clock))
  const closing = new AbortController()
  const server = createServer(
    getRequestListener(routes(providers, clock, closing.signal).fetch, { overrideGlobalObjects: false }),
  )
  const close = async () => {
    closing.abort()
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

async function createProviders(options: SandboxFactoryOptions): Promise<SandboxProvider[]> {
  const factories = await findFactories()
  return Promise.all(factories.map((create) => create(options)))
}

function factoryOptions(
  { root, stateDir, copies = 1, extras = false, clients = [defaultClient] }: SandboxOptions,
  clock: SandboxClock,
): SandboxFactoryOptions {
  return {
    clock,
    copies,
    extras,
    clients,
    ...(root !== undefined && { root }),
    statePath: (name) => (stateDir === undefined ? undefined : join(stateDir, name)),
  }
}

function routes(providers: readonly SandboxProvider[], clock: SandboxClock, closing: AbortSignal): Hono<SandboxEnv> {
  const log = new RequestLog()
  const faults = new Faults()
  const app = new Hono<SandboxEnv>()
  app.use('*', async (c, next) => {
    await next()
    if (c.get('unanswered') !== true) c.header('date', new Date(clock.now()).toUTCString())
    // What was answered survives kill -9.
    if (c.req.method !== 'GET') await Promise.all(providers.map((provider) => provider.flush()))
  })
  app.route('/_sandbox', adminRoutes({ log, faults, clock, providers }))
  for (const provider of providers) {
    for (const host of provider.hosts) {
      app.use(`/${host}/*`, log.record, provider.observe, applyFault(faults, provider, closing))
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
