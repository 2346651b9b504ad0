import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { answerRequest } from '../../src/shared/endpoint.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { handleWebhook } from '../../src/shared/webhooks/receive.ts'

/** A delivery that has arrived. */
export interface Arrived {
  headers: Headers
  body: string
}

/** The function `webhooks` over HTTP, where providers find it. */
export interface WebhookServer extends AsyncDisposable {
  /** For SUPABASE_URL. */
  url: string
  /** Oldest first. */
  arrived: Arrived[]
  /** Set before anything is delivered. */
  runtime: Runtime | undefined
  /** Sends something to the address of a hook. Gives the status of the answer. */
  deliver: (hookId: string, delivery: Arrived) => Promise<number>
}

export async function startWebhookServer(): Promise<WebhookServer> {
  const arrived: Arrived[] = []
  const server = createAdaptorServer({
    fetch: async (request) => {
      const body = await request.text()
      arrived.push({ headers: request.headers, body })
      const { runtime } = running
      if (runtime === undefined) return new Response(null, { status: 503 })
      const endpoint = { auth: 'none', countsItself: true, handle: handleWebhook } as const
      const inner = new Request(request.url.replace('/functions/v1/', '/'), { method: 'POST', headers: request.headers, body })
      return answerRequest(endpoint, inner, { openRuntime: () => runtime, log: runtime.log, inBackground: () => {} })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const running: WebhookServer = {
    url,
    arrived,
    runtime: undefined,
    async deliver(hookId, { headers, body }) {
      const response = await fetch(`${url}/functions/v1/webhooks/${hookId}`, { method: 'POST', headers, body })
      await response.arrayBuffer()
      return response.status
    },
    async [Symbol.asyncDispose]() {
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return running
}
