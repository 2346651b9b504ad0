import * as oauth from 'oauth4webapi'
import { PatchbayError } from '../errors.ts'
import { providerUrl } from '../http/provider-url.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { signAssertion } from './service-account.ts'
import { type TokenSet, requestTokens } from './token-request.ts'

/** Where to send the browser (RFC 6749 §4.1.1, RFC 7636 §4.3). `codeVerifier` is null for a provider that takes no PKCE. */
export async function authorizationUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  request: { redirectUri: string; state: string; scopes: readonly string[]; codeVerifier: string | null },
): Promise<string> {
  const { auth } = definition
  const url = new URL(providerUrl(auth.authorizeUrl, runtime.config.sandboxUrl))
  for (const [name, value] of Object.entries(auth.authorizeParams ?? {})) url.searchParams.set(name, value)
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('client_id', runtime.config.secret(auth.env.clientId))
  url.searchParams.set('redirect_uri', request.redirectUri)
  url.searchParams.set('state', request.state)
  if (request.scopes.length > 0) url.searchParams.set('scope', request.scopes.join(' '))
  if (request.codeVerifier !== null) {
    url.searchParams.set('code_challenge', await oauth.calculatePKCECodeChallenge(request.codeVerifier))
    url.searchParams.set('code_challenge_method', 'S256')
  }
  return url.href
}

/** A new PKCE verifier; null for a provider that takes none. */
export function newCodeVerifier({ auth }: ProviderDefinition): string | null {
  return auth.pkce ? oauth.generateRandomCodeVerifier() : null
}

/**
 * Checks an authorization response and exchanges its code (RFC 6749 §4.1.3). Never tried twice: a code is good for one request. Throws
 * `issuer_mismatch`, `access_denied`, `code_rejected`, `client_rejected` and the transient codes.
 */
export async function exchangeCode(
  runtime: Runtime,
  definition: ProviderDefinition,
  response: {
    parameters: URLSearchParams
    state: string
    requireIssuer: boolean
    redirectUri: string
    codeVerifier: string | null
  },
): Promise<TokenSet> {
  const { as, client, authenticate } = registration(runtime, definition)
  const parameters = readAuthorizationResponse(definition, as, client, response)
  return requestTokens(runtime, definition, 'code_rejected', {
    send: (options) =>
      oauth.authorizationCodeGrantRequest(
        as,
        client,
        authenticate,
        parameters,
        response.redirectUri,
        // oxlint-disable-next-line typescript/no-deprecated -- marked so that it stands out: some providers take no PKCE
        response.codeVerifier ?? oauth.nopkce,
        options,
      ),
    read: (answer) => oauth.processAuthorizationCodeResponse(as, client, answer),
  })
}

/** Asks for a new access token (RFC 6749 §6). Throws `needs_reauth`, `client_rejected` and the transient codes. */
export function refreshTokens(runtime: Runtime, definition: ProviderDefinition, refreshToken: string): Promise<TokenSet> {
  const { as, client, authenticate } = registration(runtime, definition)
  return requestTokens(runtime, definition, 'needs_reauth', {
    send: (options) => oauth.refreshTokenGrantRequest(as, client, authenticate, refreshToken, options),
    read: (answer) => oauth.processRefreshTokenResponse(as, client, answer),
  })
}

/** Asks for an access token of the operator's service account (RFC 7523 §2.1). A refusal is the operator's to mend: `client_rejected`. */
export async function requestServiceAccountToken(runtime: Runtime, definition: ProviderDefinition): Promise<TokenSet> {
  const { assertion, clientId } = await signAssertion(runtime, definition)
  const as = authorizationServer(runtime, definition)
  const client: oauth.Client = { client_id: clientId }
  return requestTokens(runtime, definition, 'client_rejected', {
    // The assertion says who asks: the client itself adds nothing.
    send: (options) =>
      oauth.genericTokenEndpointRequest(
        as,
        client,
        noAuthentication,
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        { assertion },
        options,
      ),
    read: (answer) => oauth.processGenericTokenEndpointResponse(as, client, answer),
  })
}

const noAuthentication: oauth.ClientAuth = () => {}

function registration(runtime: Runtime, definition: ProviderDefinition) {
  const { clientId, clientSecret } = definition.auth.env
  const secret = runtime.config.secret(clientSecret)
  const client: oauth.Client = { client_id: runtime.config.secret(clientId) }
  const authenticate = definition.auth.clientAuth === 'body' ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret)
  return { as: authorizationServer(runtime, definition), client, authenticate }
}

function authorizationServer(runtime: Runtime, { auth }: ProviderDefinition): oauth.AuthorizationServer {
  return { issuer: auth.issuer, token_endpoint: providerUrl(auth.tokenUrl, runtime.config.sandboxUrl) }
}

function readAuthorizationResponse(
  { name, id, auth }: ProviderDefinition,
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  { parameters, state, requireIssuer }: { parameters: URLSearchParams; state: string; requireIssuer: boolean },
): URLSearchParams {
  const context = { provider: id }
  // RFC 9207 §2.4: compared as plain text, before anything else of the response is used; errors carry it too.
  const issuer = parameters.get('iss')
  if (issuer === null ? requireIssuer : issuer !== auth.issuer) {
    throw new PatchbayError('issuer_mismatch', `The answer does not come from ${name}.`, { context })
  }
  const error = parameters.get('error')
  if (error !== null) throw refusedAuthorization(name, id, error)
  if (!parameters.get('code')) {
    throw new PatchbayError('invalid_request', `${name} sent neither a code nor an error.`, {
      context: { ...context, field: 'code' },
    })
  }
  try {
    return oauth.validateAuthResponse(as, client, parameters, state)
  } catch {
    // Its cause holds the code.
    throw new PatchbayError('invalid_request', `${name} sent an answer of a form that was not asked for.`, { context })
  }
}

/** RFC 6749 §4.1.2.1. */
function refusedAuthorization(name: string, provider: string, error: string): PatchbayError {
  const context = { provider, ...(/^[\w.-]{1,64}$/.test(error) ? { reason: error } : {}) }
  switch (error) {
    case 'server_error':
    case 'temporarily_unavailable':
      return new PatchbayError('provider_unavailable', `${name} could not answer now. Try again.`, { context })
    case 'invalid_request':
    case 'invalid_scope':
    case 'unauthorized_client':
    case 'unsupported_response_type':
      return new PatchbayError('client_rejected', `${name} does not accept this app's registration.`, {
        context,
        hint: 'The operator has to check the app at the provider: its redirect URIs, its scopes, its client id.',
      })
    default:
      return new PatchbayError('access_denied', `Access to ${name} was not granted.`, { context })
  }
}
