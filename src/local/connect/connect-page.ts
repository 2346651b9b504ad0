import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { ProviderStatus } from '../../client/contract.ts'
import type { Patchbay } from '../../client/create-patchbay.ts'

/** Stands for a page of the app: connections begin here, because start URLs demand it, and end here. */
export const connectPageUrl = 'http://127.0.0.1:54350/connect'

export interface ConnectPage extends AsyncDisposable {
  /** Settles when the browser is back from the provider. Rejects with what `completeConnection` throws. */
  completed: Promise<ProviderStatus>
}

/** Serves the page that connects `provider`. Throws when its port is taken. */
export async function serveConnectPage(patchbay: Patchbay, provider: string): Promise<ConnectPage> {
  const { promise, resolve, reject } = Promise.withResolvers<ProviderStatus>()
  // Whoever serves the page may fail before anybody waits for this.
  promise.catch(() => {})
  const app = new Hono()
  app.get('/connect', async (c) => {
    // Nothing else is asked for: an open connection would only keep the server from ending.
    c.header('connection', 'close')
    try {
      const status = await patchbay.completeConnection(c.req.url)
      if (!status) {
        // Anew with each visit: a start URL is good for two minutes only.
        return await c.html(startPage(await patchbay.connect(provider, { redirectTo: connectPageUrl, navigate: false })))
      }
      resolve(status)
      return await c.html(textPage(`Connected: ${status.accountLabel ?? status.provider}.`, 'You may close this page.'))
    } catch (error) {
      reject(error)
      return c.html(textPage('Not connected.', error instanceof Error ? error.message : String(error)))
    }
  })

  const { hostname, port } = new URL(connectPageUrl)
  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(Number(port), hostname)
  await once(server, 'listening').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause
    throw new Error(`Port ${port} is in use, perhaps by another npm run connect: end that first.`, { cause })
  })
  return {
    completed: promise,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      // Lets the browser have its last page.
      server.close()
      await closed
    },
  }
}

/** Goes on by a link, so that the browser says which page it comes from. */
function startPage({ url }: { url: string }) {
  return html`<!doctype html>
    <title>Connect</title>
    <a id="start" href="${url}">Go on to the provider</a>
    <script>
      document.getElementById('start').click()
    </script>`
}

function textPage(title: string, text: string) {
  return html`<!doctype html>
    <title>${title}</title>
    <h1>${title}</h1>
    <p>${text}</p>`
}
