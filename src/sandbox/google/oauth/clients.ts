/** An app as it is registered in the Google Cloud console. */
export interface OAuthClient {
  clientId: string
  clientSecret: string
  /** Where the browser may be sent back to, compared character by character. Empty: any loopback address over http. */
  redirectUris: readonly string[]
}

export const defaultClient: OAuthClient = {
  clientId: 'sandbox-google-client',
  clientSecret: 'sandbox-google-secret',
  redirectUris: [],
}

/** True when the client may be redirected to `uri`. */
export function allowsRedirect(client: OAuthClient, uri: string): boolean {
  if (client.redirectUris.length > 0) return client.redirectUris.includes(uri)
  const { protocol, hostname } = URL.parse(uri) ?? {}
  return protocol === 'http:' && (hostname === '127.0.0.1' || hostname === 'localhost')
}
