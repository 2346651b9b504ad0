import type { HonoRequest } from 'hono'
import type { OAuthClient } from './clients.ts'
import { OAuthError } from './oauth-error.ts'

/** The app that sends a token request, by its id and secret in the form or in HTTP Basic. Throws OAuthError. */
export function authenticateClient(
  form: FormData,
  authorization: string | undefined,
  clients: ReadonlyMap<string, OAuthClient>,
): OAuthClient {
  const basic = authorization === undefined ? undefined : parseBasic(authorization)
  const clientId = basic?.id ?? field(form, 'client_id')
  const secret = basic?.secret ?? field(form, 'client_secret')
  if (clientId === undefined) throw new OAuthError(400, 'invalid_request', 'Could not determine client ID from request.')
  const client = clients.get(clientId)
  if (client === undefined) throw new OAuthError(401, 'invalid_client', 'The OAuth client was not found.')
  if (secret === undefined) throw new OAuthError(400, 'invalid_request', 'client_secret is missing.')
  if (secret !== client.clientSecret) throw new OAuthError(401, 'invalid_client', 'The provided client secret is invalid.')
  return client
}

/** The request's form; empty when its body is something else. */
export function readForm(request: HonoRequest): Promise<FormData> {
  return request.formData().catch(() => new FormData())
}

/** A form field's text; undefined when it is absent or empty. */
export function field(form: FormData, name: string): string | undefined {
  const value = form.get(name)
  return typeof value === 'string' && value !== '' ? value : undefined
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
