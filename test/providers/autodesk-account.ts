import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { createProviderApi, type ProviderApi } from '../../src/shared/http/provider-api.ts'
import { providerUrl } from '../../src/shared/http/provider-url.ts'
import { createLogger } from '../../src/shared/log.ts'
import { provider as autodesk } from '../../src/shared/providers/autodesk/definition.ts'

const redirectUri = 'http://127.0.0.1:9/callback'
const { auth } = autodesk

/** The Autodesk API with a token of `email`, who has just consented. Nothing sleeps. */
export async function connectPerson(sandboxUrl: string, email: string): Promise<ProviderApi> {
  const authorizeUrl = new URL(providerUrl(auth.authorizeUrl, sandboxUrl))
  const request = { client_id: 'sandbox-client', redirect_uri: redirectUri, response_type: 'code', state: 'x' }
  for (const [name, value] of Object.entries({ ...request, scope: auth.scopes.join(' ') }))
    authorizeUrl.searchParams.set(name, value)
  const callback = new URL(await approveConsent(authorizeUrl.href, { account: email }))
  const code = callback.searchParams.get('code') ?? ''
  return openApi(sandboxUrl, await getToken(sandboxUrl, { grant_type: 'authorization_code', code, redirect_uri: redirectUri }))
}

/** The Autodesk API with a token of the app's own. */
export async function connectApp(sandboxUrl: string, scopes: readonly string[]): Promise<ProviderApi> {
  return openApi(sandboxUrl, await getToken(sandboxUrl, { grant_type: 'client_credentials', scope: scopes.join(' ') }))
}

/** The Autodesk API at `url`, with some token. */
export function openApi(url: string, accessToken = 'token'): ProviderApi {
  const token = { accessToken, tokenType: 'Bearer', version: 1n }
  return createProviderApi({
    definition: autodesk,
    tokens: { get: async () => token, renew: async () => token, refused: async () => {} },
    runtime: {
      config: { sandboxUrl: url, optional: () => undefined },
      fetch,
      now: Date.now,
      sleep: async () => {},
      log: createLogger('error', () => {}, Date.now),
    },
  })
}

/** A server in Autodesk's place that answers what a test wants. */
export async function serveAutodesk(answer: RequestListener): Promise<AsyncDisposable & { url: string; api: ProviderApi }> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    api: openApi(url),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function getToken(sandboxUrl: string, grant: Record<string, string>): Promise<string> {
  const response = await fetch(providerUrl(auth.tokenUrl, sandboxUrl), {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('sandbox-client:sandbox-secret')}` },
    body: new URLSearchParams(grant),
  })
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token
}
