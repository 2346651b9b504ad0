import * as oauth from 'oauth4webapi'
import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import { providerUrl } from '../http/provider-url.ts'
import { readText } from '../http/read-text.ts'
import { fillAddress } from '../providers/address.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { signAssertion } from './service-account.ts'
import { type TokenGrant, maxAnswerBytes, parseObject, requestOptions, requestTokens } from './token-request.ts'

/** Where to send the browser (RFC 6749 §4.1.1, RFC 7636 §4.3). `codeVerifier` is null for a provider that takes no PKCE. */
export async function authorizationUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  request: { redirectUri: string; state: string; scopes: readonly string[]; codeVerifier: string | null },
): Promise<string> {
  const { auth } = definition
  const url = new URL(addressOf(runtime, definition, auth.authorizeUrl))
  for (const [name, value] of Object.entries(auth.authorizeParams ?? {})) url.searchParams.set(name, value)
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('client_id', runtime.config.secret(auth.env.clientId))
  url.searchParams.set('redirect_uri', request.redirectUri)
  url.searchParams.set('state', request.state)
  if (request.scopes.length > 0) url.searchParams.set('scope', request.scopes.join(auth.scopeSeparator ?? ' '))
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
): Promise<TokenGrant> {
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
export function refreshTokens(runtime: Runtime, definition: ProviderDefinition, refreshToken: string): Promise<TokenGrant> {
  const { as, client, authenticate } = registration(runtime, definition)
  return requestTokens(runtime, definition, 'needs_reauth', {
    send: (options) => oauth.refreshTokenGrantRequest(as, client, authenticate, refreshToken, options),
    read: (answer) => oauth.processRefreshTokenResponse(as, client, answer),
  })
}

/** Asks for an access token of the operator's service account (RFC 7523 §2.1). A refusal is the operator's to mend: `client_rejected`. */
export async function requestServiceAccountToken(runtime: Runtime, definition: ProviderDefinition): Promise<TokenGrant> {
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

/**
 * Asks for an access token of the app itself (RFC 6749 §4.4), by default of the one that users connect with and with the scopes that it
 * is connected with. A refusal is the operator's to mend: `client_rejected`.
 */
export async function requestAppToken(
  runtime: Runtime,
  definition: ProviderDefinition,
  clientId?: string,
  scopes: readonly string[] | undefined = definition.auth.clientCredentials?.scopes,
): Promise<TokenGrant> {
  if (!scopes) throw new PatchbayError('config_invalid', `${definition.name} cannot be connected without a user.`)
  const { as, client, authenticate } = registration(runtime, definition, clientId)
  const scope = scopes.join(definition.auth.scopeSeparator ?? ' ')
  return requestTokens(runtime, definition, 'client_rejected', {
    send: (options) => oauth.clientCredentialsGrantRequest(as, client, authenticate, new URLSearchParams({ scope }), options),
    read: (answer) => oauth.processClientCredentialsResponse(as, client, answer),
  })
}

/** Ends a token at the provider (RFC 7009). Resolves when it is ended, or was already. Throws `client_rejected` and the transient codes. */
export async function revokeToken(
  runtime: Runtime,
  definition: ProviderDefinition,
  url: string,
  { token, hint }: { token: string; hint: 'access_token' | 'refresh_token' },
): Promise<void> {
  const { as, client, authenticate } = registration(runtime, definition)
  const server = { ...as, revocation_endpoint: addressOf(runtime, definition, url) }
  const options = { ...requestOptions(runtime), additionalParameters: { token_type_hint: hint } }
  const answer = await oauth.revocationRequest(server, client, authenticate, token, options).catch(() => undefined)
  if (answer === undefined) {
    throw new PatchbayError('provider_unreachable', `The connection to ${definition.name} failed.`, {
      context: { provider: definition.id },
    })
  }
  const { status } = answer
  const context = { provider: definition.id, status }
  if (status === 429 || status >= 500) {
    await answer.body?.cancel()
    throw new PatchbayError('provider_unavailable', `${definition.name} could not end a token now.`, { context })
  }
  const refusal = answer.ok
    ? undefined
    : ErrorAnswer.safeParse(parseObject((await readText(answer.body, maxAnswerBytes)) ?? '')).data?.error
  // RFC 7009 answers 200 for a token that is not known; some providers do not.
  if (answer.ok || refusal === 'invalid_token' || refusal === 'invalid_grant') return
  throw new PatchbayError('client_rejected', `${definition.name} does not let this app end its tokens.`, { context })
}

const ErrorAnswer = z.object({ error: z.string() })

const noAuthentication: oauth.ClientAuth = () => {}

/** This app as the provider knows it; with `clientId`, one of the operator's further apps. */
function registration(runtime: Runtime, definition: ProviderDefinition, clientId?: string) {
  const { env, clientAuth } = definition.auth
  const own = runtime.config.secret(env.clientId)
  // A further app has its secret in a variable of its own: CONNECTOR_…_CLIENT_SECRET_<client id>.
  const secretName = clientId === undefined || clientId === own ? env.clientSecret : `${env.clientSecret}_${clientId}`
  const secret = runtime.config.secret(secretName)
  const client: oauth.Client = { client_id: clientId ?? own }
  const authenticate = clientAuth === 'body' ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret)
  return { as: authorizationServer(runtime, definition), client, authenticate }
}

function authorizationServer(runtime: Runtime, definition: ProviderDefinition): oauth.AuthorizationServer {
  const tokenUrl = addressOf(runtime, definition, definition.auth.tokenUrl)
  // The issuer of an answer is checked before the library sees it; to the library it is a name.
  return { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl }
}

function addressOf({ config }: Runtime, definition: ProviderDefinition, address: string): string {
  return providerUrl(fillAddress(definition, address, config), config.sandboxUrl)
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
  if (issuer === null ? requireIssuer : !isIssuer(auth.issuer, issuer)) {
    throw new PatchbayError('issuer_mismatch', `The answer does not come from ${name}.`, { context })
  }
  const error = parameters.get('error')
  if (error !== null) throw refusedAuthorization(name, id, error)
  if (!parameters.get('code')) {
    throw new PatchbayError('invalid_request', `${name} sent neither a code nor an error.`, {
      context: { ...context, field: 'code' },
    })
  }
  const checked = new URLSearchParams(parameters)
  checked.delete('iss')
  try {
    return oauth.validateAuthResponse(as, client, checked, state)
  } catch {
    // Its cause holds the code.
    throw new PatchbayError('invalid_request', `${name} sent an answer of a form that was not asked for.`, { context })
  }
}

function isIssuer(expected: string | RegExp, issuer: string): boolean {
  return typeof expected === 'string' ? issuer === expected : expected.test(issuer)
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
