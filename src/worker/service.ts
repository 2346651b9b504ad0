import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { PatchbayError } from '../shared/errors.ts'
import { asPatchbayError, errorResponse, logFailure } from '../shared/failure.ts'
import type { Runtime } from '../shared/runtime.ts'
import { answerInTime, health, healthResponse } from '../shared/service/health.ts'
import { status } from '../shared/service/status.ts'
import type { WorkerMetrics } from './metrics.ts'

/** What the service tells of its worker. */
export interface WorkerState {
  id: string
  /** Milliseconds since the epoch. */
  startedAt: number
  /** False: it has taken no turn for so long that it must be stuck. */
  isAlive: () => boolean
}

/** Answers GET /health, /status and /metrics. */
export interface Service {
  port: number
  /** Cuts all connections. */
  close: () => Promise<void>
}

/** Takes the port `CONNECTOR_PORT` on all addresses. Throws `config_invalid` when another program has it. */
export async function startService(runtime: Runtime, metrics: WorkerMetrics, worker: WorkerState): Promise<Service> {
  const { port } = runtime.config
  const app = routes(runtime, metrics, worker)
  const server = createAdaptorServer({ fetch: (request) => app.fetch(request) })
  server.listen(port)
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    throw new PatchbayError('config_invalid', `Port ${port} cannot be used (${cause.code}).`, {
      cause,
      hint: 'Another program has it, perhaps another worker: set CONNECTOR_PORT to a free one.',
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

function routes(runtime: Runtime, metrics: WorkerMetrics, worker: WorkerState): Hono {
  const app = new Hono()
  app.get('/health', async () => {
    const answer = await health(runtime)
    const loop = worker.isAlive() ? 'ok' : 'stalled'
    return healthResponse({ ...answer, ...(loop === 'stalled' && { status: 'unavailable' }), loop })
  })
  app.get('/status', async (c) => {
    const seconds = Math.round((runtime.now() - worker.startedAt) / 1000)
    const own = { id: worker.id, uptime_seconds: seconds, counters: await metrics.totals() }
    return c.json({ ...(await answerInTime(runtime, status(runtime))), worker: own })
  })
  app.get('/metrics', async (c) => {
    // Without the database there is still what this process has counted.
    metrics.show(await answerInTime(runtime, status(runtime)).catch(() => undefined))
    const { text, contentType } = await metrics.text()
    return c.text(text, 200, { 'content-type': contentType })
  })
  app.notFound(() => errorResponse(new PatchbayError('not_found', 'Ask for /health, /status or /metrics.')))
  app.onError((error) => {
    const failure = asPatchbayError(error)
    logFailure(runtime.log, failure)
    return errorResponse(failure)
  })
  return app
}
