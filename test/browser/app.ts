import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { html, raw } from 'hono/html'
import { providers } from '../../src/shared/providers/registry.ts'

/** An app with one page, which is about the user's connections. */
export interface App extends AsyncDisposable {
  /** On `localhost`, so that the project, on 127.0.0.1, is of another site, as it is hosted. */
  settingsUrl: string
  /** A page of another origin, and of another site. */
  elsewhereUrl: string
  /** Sets a cookie for all sites, and answers with the cookies it gets. */
  thirdPartyUrl: string
  /** Tells the app which project it has. */
  use(project: Project): void
}

interface Project {
  url: string
  publishableKey: string
}

/** Serves the app with the package `@patchbay/client` of `clientDir`. */
export async function serveApp(clientDir: string): Promise<App> {
  let project: Project | undefined
  const app = new Hono()
  app.get('/settings', (c) => c.html(settingsPage(project)))
  app.get('/elsewhere', (c) => c.html(html`<!doctype html><title>Elsewhere</title>`))
  app.get('/third-party', (c) =>
    c.text(c.req.header('cookie') ?? '', 200, {
      'set-cookie': 'third-party=yes; Secure; SameSite=None',
      'access-control-allow-origin': c.req.header('origin') ?? '*',
      'access-control-allow-credentials': 'true',
    }),
  )
  app.get('/supabase.js', async (c) => c.body(await readFile(supabaseScript, 'utf8'), 200, javascript))
  app.get('/client/:module{[a-z-]+\\.js}', async (c) =>
    c.body(await readFile(join(clientDir, c.req.param('module')), 'utf8'), 200, javascript),
  )
  app.get('/favicon.ico', (c) => c.body(null, 204))

  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    settingsUrl: `http://localhost:${port}/settings`,
    elsewhereUrl: `http://127.0.0.1:${port}/elsewhere`,
    thirdPartyUrl: `http://127.0.0.1:${port}/third-party`,
    use: (given) => {
      project = given
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

const javascript = { 'content-type': 'text/javascript' }

/** What supabase-js offers to pages without a bundler; its modules import each other in ways that only bundlers know. */
const supabaseScript = createRequire(import.meta.url).resolve('@supabase/supabase-js/dist/umd/supabase.js')

/** Shows everything that the client hands to the page, so that what is not in the page was never in its hands. */
function settingsPage(project: Project | undefined) {
  return html`<!doctype html>
    <title>Settings</title>
    <script type="importmap">
      { "imports": { "@patchbay/client": "/client/index.js" } }
    </script>
    <script src="/supabase.js"></script>
    <form><input name="email" /><input name="password" type="password" /><button>Sign up</button></form>
    <p id="user"></p>
    ${providers.map(({ id }) =>
      ['server', 'client'].map((flow) => html`<button data-provider="${id}" data-flow="${flow}">${id}, ${flow}</button>`),
    )}
    <pre id="result"></pre>
    <script type="module">
      import { createPatchbay } from '@patchbay/client'

      const project = ${raw(JSON.stringify(project))}
      const client = supabase.createClient(project.url, project.publishableKey)
      const patchbay = createPatchbay(client, { redirectTo: location.origin + location.pathname + '?tab=2' })
      const show = (id, value) => (document.getElementById(id).textContent = value)
      const showResult = (work) =>
        work.then(
          (status) => show('result', JSON.stringify(status)),
          (error) => show('result', JSON.stringify({ code: error.code, message: error.message })),
        )

      client.auth.onAuthStateChange((event, session) => show('user', session?.user.email ?? ''))
      document.forms[0].onsubmit = (event) => {
        event.preventDefault()
        const [email, password] = new FormData(event.target).values()
        client.auth.signUp({ email, password })
      }
      for (const button of document.querySelectorAll('[data-provider]')) {
        const { provider, flow } = button.dataset
        button.onclick = () => patchbay.connect(provider, { flow }).catch((error) => showResult(Promise.reject(error)))
      }
      Object.assign(globalThis, { patchbay })
      showResult(patchbay.completeConnection())
    </script>`
}
