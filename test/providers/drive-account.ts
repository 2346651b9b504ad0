import { SignJWT, importPKCS8 } from 'jose'
import { z } from 'zod'
import { approveConsent } from '../../src/sandbox/consent.ts'
import type { GoogleSandbox } from '../../src/sandbox/google/client.ts'
import { providerUrl } from '../../src/shared/http/provider-url.ts'
import { createProviderApi, type ProviderApi } from '../../src/shared/http/provider-api.ts'
import { createLogger } from '../../src/shared/log.ts'
import { provider as googleDrive } from '../../src/shared/providers/google-drive/definition.ts'

const redirectUri = 'http://127.0.0.1:9/callback'

/** What a test wants to see of the API's use. */
interface Watching {
  fetch?: typeof fetch
  /** Google no longer accepts the token. */
  onRefused?: (reason: string) => void
}

/** The Drive API with a token of `email`, who has just consented. Nothing sleeps. */
export async function connectAccount(sandboxUrl: string, email: string, watching: Watching = {}): Promise<ProviderApi> {
  const { auth } = googleDrive
  const authorizeUrl = new URL(providerUrl(auth.authorizeUrl, sandboxUrl))
  const request = { client_id: 'sandbox-client', redirect_uri: redirectUri, response_type: 'code', state: 'x' }
  for (const [name, value] of Object.entries({ ...request, ...auth.authorizeParams, scope: auth.scopes.join(' ') })) {
    authorizeUrl.searchParams.set(name, value)
  }
  const callback = new URL(await approveConsent(authorizeUrl.href, { account: email }))
  return openApi(
    sandboxUrl,
    {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      client_id: 'sandbox-client',
      client_secret: 'sandbox-secret',
    },
    watching,
  )
}

/** The Drive API with a token of the sandbox's service account. */
export async function connectServiceAccount(sandboxUrl: string, google: GoogleSandbox): Promise<ProviderApi> {
  const file = await google.serviceAccount()
  const assertion = await new SignJWT({ scope: googleDrive.auth.scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', kid: file.private_key_id })
    .setIssuer(file.client_email)
    .setAudience(file.token_uri)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await importPKCS8(file.private_key, 'RS256'))
  return openApi(sandboxUrl, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
}

async function openApi(
  sandboxUrl: string,
  grant: Record<string, string>,
  { fetch: send = fetch, onRefused }: Watching = {},
): Promise<ProviderApi> {
  const response = await fetch(providerUrl(googleDrive.auth.tokenUrl, sandboxUrl), {
    method: 'POST',
    body: new URLSearchParams(grant),
  })
  const { access_token: accessToken } = z.object({ access_token: z.string() }).parse(await response.json())
  const token = { accessToken, tokenType: 'Bearer', version: 1n }
  return createProviderApi({
    definition: googleDrive,
    tokens: { get: async () => token, renew: async () => token, refused: async (_version, reason) => onRefused?.(reason) },
    runtime: {
      config: { sandboxUrl, optional: () => undefined },
      fetch: send,
      now: Date.now,
      sleep: async () => {},
      log: createLogger('error', () => {}, Date.now),
    },
  })
}
