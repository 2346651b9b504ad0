import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { cors } from 'hono/cors'

type Handler = (request: Request) => Promise<Response>

/** What the gateway leads to. */
export interface Services {
  /** REST and Auth. */
  api: Handler
  functions: Handler
}

/** One port with Supabase's paths. */
export interface Gateway {
  /** Such as `http://127.0.0.1:54321`. */
  url: string
  /** Begins to answer; until then, every request gets 503. */
  open(services: Services): void
  /** Cuts all connections. May be called again. */
  close(): Promise<void>
}

/**
 * Takes the port on 127.0.0.1; 0 takes any. Throws when another program has it.
 */
export async function startGateway(port: number): Promise<Gateway> {
  let app = new Hono<GatewayEnv>()
  app.all('*', (c) => c.json({ message: 'Patchbay is starting.' }, 503))
  const server = createAdaptorServer({ fetch: (request, bindings) => app.fetch(request, bindings) })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause
    throw new Error(
      `Port ${port} is in use, perhaps by another npm start or by "supabase start": stop that, or choose another port.`,
      { cause },
    )
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open(services) {
      app = routes(services)
    },
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

interface GatewayEnv {
  Bindings: HttpBindings
}

function routes({ api, functions }: Services): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>()
  // Functions answer preflight requests themselves, as hosted.
  const openToBrowsers = cors({
    origin: '*',
    maxAge: 3600,
    exposeHeaders: ['Content-Range', 'Content-Location', 'Preference-Applied'],
  })
  const paths = ['/rest/v1', '/auth/v1', '/functions/v1']
  app.use('/rest/v1/*', openToBrowsers)
  app.use('/auth/v1/*', openToBrowsers)
  app.all('/rest/v1/*', (c) => api(c.req.raw))
  app.all('/auth/v1/*', (c) => api(c.req.raw))
  app.all('/functions/v1/*', (c) => functions(fromCaller(c.req.raw, c.env.incoming.socket.remoteAddress)))
  app.get('/', (c) => c.json({ name: 'Patchbay, local', paths }))
  app.get('/health', (c) => c.json({ status: 'ok', paths }))
  app.onError((error, c) => c.json({ message: `The service behind ${c.req.path} failed: ${error.message}` }, 502))
  app.notFound((c) => c.json({ message: `Nothing at ${c.req.path}.`, hint: `Paths begin with ${paths.join(', ')}.` }, 404))
  return app
}

/** As hosted, the address that the request comes from, whatever the caller claims. https://developers.cloudflare.com/fundamentals/reference/http-headers/ */
function fromCaller(request: Request, address = ''): Request {
  request.headers.set('cf-connecting-ip', address)
  return request
}
