/** An app as it is registered at a provider. */
export interface OAuthClient {
  clientId: string
  clientSecret: string
  /** Where the browser may be sent back to, compared character by character. Empty: any loopback address over http. */
  redirectUris: readonly string[]
}

/** The app that every simulated provider knows, unless a test registers others. */
export const defaultClient: OAuthClient = {
  clientId: 'sandbox-client',
  clientSecret: 'sandbox-secret',
  redirectUris: [],
}

/** True when the client may be redirected to `uri`. */
export function allowsRedirect(client: OAuthClient, uri: string): boolean {
  if (client.redirectUris.length > 0) return client.redirectUris.includes(uri)
  const { protocol, hostname } = URL.parse(uri) ?? {}
  return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === 'localhost')
}
