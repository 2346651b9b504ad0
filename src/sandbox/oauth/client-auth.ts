import type { AuthorizationServerOptions } from './authorization-server.ts'
import type { OAuthClient } from './clients.ts'
import { OAuthError } from './oauth-error.ts'

type ClientAuthPolicy = Pick<AuthorizationServerOptions, 'clients' | 'clientAuth' | 'bothClientAuths'>

/** The app that sends a request, by its id and secret in the form or in HTTP Basic, as the provider has it. Throws OAuthError. */
export function authenticateClient(
  parameters: ReadonlyMap<string, string>,
  authorization: string | undefined,
  { clients, clientAuth = ['basic', 'body'], bothClientAuths = 'refused' }: ClientAuthPolicy,
): OAuthClient {
  const basic = authorization === undefined ? undefined : parseBasic(authorization)
  if (basic !== undefined && parameters.has('client_secret') && bothClientAuths === 'refused') {
    throw new OAuthError('both-client-auths', 'The client may authenticate in one way only.')
  }
  const way = basic === undefined ? 'body' : 'basic'
  if (!clientAuth.includes(way)) {
    throw new OAuthError('client-auth-not-allowed', `The client must authenticate with ${clientAuth.join(' or ')}.`)
  }
  const id = basic?.id ?? parameters.get('client_id')
  const secret = basic?.secret ?? parameters.get('client_secret')
  if (id === undefined) throw new OAuthError('client-missing', 'Could not determine client ID from request.')
  const client = clients.find(({ clientId }) => clientId === id)
  if (client === undefined) throw new OAuthError('client-unknown', 'The OAuth client was not found.')
  if (secret === undefined) throw new OAuthError('secret-missing', 'client_secret is missing.')
  if (secret !== client.clientSecret) throw new OAuthError('secret-wrong', 'The provided client secret is invalid.')
  return client
}

function parseBasic(authorization: string): { id: string; secret: string } | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon === -1) return undefined
  return { id: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) }
}

// RFC 6749, section 2.3.1: id and secret are form-encoded before they are joined.
function formDecode(text: string): string {
  return new URLSearchParams(`v=${text}`).get('v') ?? ''
}
