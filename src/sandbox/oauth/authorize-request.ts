import type { AuthorizationServerOptions, AuthorizeRequest, EndpointRequest, LineScopes } from './authorization-server.ts'
import { allowsRedirect } from './clients.ts'
import type { PkceChallenge } from './pkce.ts'

/** A checked request, with what only the server needs of it. */
export interface CheckedRequest {
  request: AuthorizeRequest
  challenge: PkceChallenge | null
}

/** A request that cannot be granted. `redirectUri`: where the browser may be told so; null: it has to be a page. */
export class AuthorizeRefusal extends Error {
  /** RFC 6749 §4.1.2.1's `error`, or the provider's name for what only a page says. */
  readonly code: string
  readonly redirectUri: string | null

  constructor(code: string, message: string, redirectUri: string | null = null) {
    super(message)
    this.code = code
    this.redirectUri = redirectUri
  }
}

/** Checks what an app asks for. Throws AuthorizeRefusal. */
export function checkAuthorizeRequest(
  request: EndpointRequest,
  query: URLSearchParams,
  options: AuthorizationServerOptions,
): CheckedRequest {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1) throw new AuthorizeRefusal('invalid_request', `Parameter given more than once: ${name}`)
  }
  const { clientId, redirectUri } = checkClient(request.parameters, options)
  const back = options.authorize?.errors === 'page' ? null : redirectUri
  checkResponseType(request.parameters, options, back)
  return {
    request: {
      ...request,
      clientId,
      redirectUri,
      state: request.parameters.get('state'),
      scopes: askedScopes(request.parameters, options, back),
    },
    challenge: askedChallenge(request.parameters, options, back),
  }
}

// Always a page: nothing may be sent to a redirect URI that may not be the app's.
function checkClient(
  parameters: ReadonlyMap<string, string>,
  { clients }: AuthorizationServerOptions,
): { clientId: string; redirectUri: string } {
  const clientId = required(parameters, 'client_id', null)
  const client = clients.find((each) => each.clientId === clientId)
  if (client === undefined) throw new AuthorizeRefusal('invalid_client', 'The OAuth client was not found.')
  const redirectUri = required(parameters, 'redirect_uri', null)
  if (!allowsRedirect(client, redirectUri)) {
    throw new AuthorizeRefusal('redirect_uri_mismatch', `The app's redirect URI is not registered: ${redirectUri}`)
  }
  return { clientId, redirectUri }
}

function checkResponseType(
  parameters: ReadonlyMap<string, string>,
  { authorize }: AuthorizationServerOptions,
  back: string | null,
): void {
  if (authorize?.responseTypeOptional === true && !parameters.has('response_type')) return
  const responseType = required(parameters, 'response_type', back)
  if (responseType !== 'code') {
    throw new AuthorizeRefusal('unsupported_response_type', `Invalid response_type: ${responseType}`, back)
  }
}

function askedScopes(
  parameters: ReadonlyMap<string, string>,
  { lines, scopeSeparator = ' ' }: AuthorizationServerOptions,
  back: string | null,
): Record<string, readonly string[]> {
  const asked = lines.map(({ name, scopes }) => [name, lineScopes(parameters, scopes, scopeSeparator, back)] as const)
  const mayBeEmpty = lines.some(({ scopes }) => 'onApp' in scopes || scopes.mayBeEmpty === true)
  if (!mayBeEmpty && asked.every(([, scopes]) => scopes.length === 0)) {
    const names = lines.flatMap(({ scopes }) => ('parameter' in scopes ? [scopes.parameter] : []))
    throw new AuthorizeRefusal('invalid_request', `Missing required parameter: ${names.join(' or ')}`, back)
  }
  return Object.fromEntries(asked)
}

function lineScopes(
  parameters: ReadonlyMap<string, string>,
  scopes: LineScopes,
  separator: string,
  back: string | null,
): readonly string[] {
  if ('onApp' in scopes) return scopes.onApp
  const asked = splitScopes(parameters.get(scopes.parameter) ?? '', separator)
  const unknown = scopes.known === undefined ? [] : asked.filter((scope) => scopes.known?.includes(scope) === false)
  if (unknown.length === 0) return asked
  throw new AuthorizeRefusal('invalid_scope', `Some requested scopes were invalid: ${unknown.join(', ')}`, back)
}

/** Each once, in the order given. */
export function splitScopes(text: string, separator: string): string[] {
  return [...new Set(text.split(separator).filter((scope) => scope !== ''))]
}

function askedChallenge(
  parameters: ReadonlyMap<string, string>,
  { pkce = 'optional', pkceMethods = ['S256', 'plain'] }: AuthorizationServerOptions,
  back: string | null,
): PkceChallenge | null {
  if (pkce === 'ignored' || pkce === 'refused') return null
  const value = pkce === 'required' ? required(parameters, 'code_challenge', back) : parameters.get('code_challenge')
  if (value === undefined) return null
  const given = parameters.get('code_challenge_method') ?? 'plain'
  const method = pkceMethods.find((each) => each === given)
  if (method === undefined) {
    throw new AuthorizeRefusal('invalid_request', `Invalid parameter value for code_challenge_method: ${given}`, back)
  }
  if (!/^[\w.~-]{43,128}$/.test(value)) {
    throw new AuthorizeRefusal('invalid_request', 'Invalid parameter value for code_challenge.', back)
  }
  return { method, value }
}

function required(parameters: ReadonlyMap<string, string>, name: string, back: string | null): string {
  const value = parameters.get(name)
  if (value === undefined) throw new AuthorizeRefusal('invalid_request', `Missing required parameter: ${name}`, back)
  return value
}
