import { Hono } from 'hono'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { SandboxClock } from '../../src/sandbox/clock.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { Deliveries } from '../../src/sandbox/deliveries.ts'
import {
  createAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../../src/sandbox/oauth/authorization-server.ts'
import { requireToken, type BearerEnv } from '../../src/sandbox/oauth/bearer.ts'
import { defaultClient } from '../../src/sandbox/oauth/clients.ts'
import { jsonAnswer, type ProviderErrors, type SandboxEnv, type SandboxProvider } from '../../src/sandbox/provider.ts'
import { serveProviders } from '../../src/sandbox/serve.ts'

export type Form = Record<string, string>
export type VendorOptions = Partial<AuthorizationServerOptions>

const host = 'login.vendor.test'
const redirectUri = 'http://127.0.0.1:9999/callback'
export const verifier = 'v'.repeat(43)

/** A company that exists in this test only, an app of it, and the means to steer it. */
export async function openVendor(options: VendorOptions = {}) {
  const clock = new SandboxClock()
  const oauth = await createAuthorizationServer({
    name: 'Vendor',
    clock,
    clients: [defaultClient],
    accounts: [
      { name: 'ann', id: 'a-1', label: 'Ann' },
      { name: 'bob', id: 'b-2', label: 'Bob' },
    ],
    statePath: undefined,
    paths: { authorize: `/${host}/:tenant/authorize`, token: `/${host}/:tenant/token`, revoke: `/${host}/:tenant/revoke` },
    lines: [{ name: 'user', scopes: { parameter: 'scope', known: ['read', 'write'] } }],
    tokens: { accessTokenSeconds: 60, refreshTokens: { kind: 'single-use' } },
    ...options,
  })
  const sandbox = await serveProviders([vendor(oauth)], {
    clock,
    deliveries: new Deliveries(),
    port: 0,
    host: '127.0.0.1',
  })
  const base = `${sandbox.url}/${host}/t1`
  const app = { client_id: defaultClient.clientId, client_secret: defaultClient.clientSecret }

  const authorizeUrl = (query: Form = {}) => {
    const all = { client_id: app.client_id, redirect_uri: redirectUri, response_type: 'code', scope: 'read', state: 's1' }
    return `${base}/authorize?${new URLSearchParams({ ...all, ...query }).toString()}`
  }
  const consent = async (query: Form = {}, choice: ConsentChoice = {}): Promise<Form> =>
    Object.fromEntries(new URL(await approveConsent(authorizeUrl(query), choice)).searchParams)
  const post = async (path: string, form: Form, headers: Form = {}) => {
    const answer = await fetch(`${base}/${path}`, { method: 'POST', body: new URLSearchParams(form), headers })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as Form }
  }
  const exchange = (code: string | undefined, form: Form = {}) =>
    post('token', { ...app, grant_type: 'authorization_code', code: code ?? '', redirect_uri: redirectUri, ...form })
  const refresh = (token: string | undefined, form: Form = {}) =>
    post('token', { ...app, grant_type: 'refresh_token', refresh_token: token ?? '', ...form })
  const connect = async (query: Form = {}, choice: ConsentChoice = {}) =>
    (await exchange((await consent(query, choice))['code'])).body
  /** What the API says of an access token: whom it is for, or why not. */
  const ask = async (token: string | undefined): Promise<unknown> => {
    const answer = await fetch(`${sandbox.url}/${host}/api`, { headers: { authorization: `Bearer ${token}` } })
    return answer.json()
  }
  const admin = sandboxClient(sandbox.url)
  const control = admin.control('vendor-thing')
  return { ...sandbox, app, oauth, admin, control, authorizeUrl, consent, post, exchange, refresh, connect, ask }
}

function vendor(oauth: AuthorizationServer): SandboxProvider {
  const api = new Hono<BearerEnv>()
  api.use(requireToken(oauth, (problem) => jsonAnswer({ status: 401, body: problem })))
  api.get('/', (c) => {
    const { account, line, scopes } = c.var.token
    return c.json({ account, line, scopes })
  })
  const routes = new Hono<SandboxEnv>()
  routes.route('/', oauth.routes)
  routes.route(`/${host}/api`, api)
  return {
    id: 'vendor',
    hosts: [host],
    routes,
    observe: oauth.observe,
    admin: new Hono(),
    errors,
    controls: { 'vendor-thing': { ...oauth.control, fill: () => {} } },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}

const answer = (status: number) => ({ status, body: status })
const errors: ProviderErrors = {
  rateLimit: () => answer(429),
  quota: () => answer(429),
  serverError: (_place, status) => answer(status),
  unauthorized: () => answer(401),
  forbidden: () => answer(403),
  notFound: ({ path }) => ({ status: 404, body: `no ${path}` }),
}
