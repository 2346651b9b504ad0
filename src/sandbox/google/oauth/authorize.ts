import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { SandboxEnv } from '../../provider.ts'
import { people } from '../accounts.ts'
import { knownScopes } from '../scopes.ts'
import type { AuthorizationCodes, PkceChallenge } from './authorization-codes.ts'
import { field, readForm } from './client-auth.ts'
import { allowsRedirect, type OAuthClient } from './clients.ts'
import { consentPage, errorPage } from './consent-page.ts'
import type { TokenStore } from './token-store.ts'

const issuer = 'https://accounts.google.com'

/** What an app asked for, checked. */
export interface AuthorizeRequest {
  clientId: string
  redirectUri: string
  scopes: readonly string[]
  state: string | undefined
  challenge: PkceChallenge | null
  /** `access_type=offline` */
  offline: boolean
  /** `prompt=consent` */
  forceConsent: boolean
  /** `include_granted_scopes=true` */
  includeGranted: boolean
  loginHint: string | undefined
  nonce: string | null
}

interface AuthorizeOptions {
  clients: ReadonlyMap<string, OAuthClient>
  codes: AuthorizationCodes
  tokens: TokenStore
}

/** A request that Google refuses with a page of its own: nothing is sent to a redirect URI that may not be the app's. */
class Refusal extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The consent page and what its form does. */
export function authorizeRoutes({ clients, codes, tokens }: AuthorizeOptions): Hono<SandboxEnv> {
  const routes = new Hono<SandboxEnv>()
  const pending = new Map<string, AuthorizeRequest>()

  routes.get('/accounts.google.com/o/oauth2/v2/auth', (c) => {
    const request = parseRequest(new URL(c.req.url).searchParams, clients)
    const id = randomUUID()
    pending.set(id, request)
    return c.html(consentPage(id, request))
  })

  routes.post('/accounts.google.com/o/oauth2/v2/auth/consent', async (c) => {
    const form = await readForm(c.req)
    const id = field(form, 'request') ?? ''
    const request = pending.get(id)
    if (request === undefined) throw new Refusal('invalid_request', 'This page was already used. Begin again in the app.')
    const account = people.find(({ email }) => email === field(form, 'account'))
    if (account === undefined) throw new Refusal('invalid_request', 'Unknown account.')
    pending.delete(id)
    const chosen = request.scopes.filter((scope) => form.getAll('scope').includes(scope))
    if (field(form, 'decision') !== 'allow' || chosen.length === 0) {
      return c.redirect(callback(request, { error: 'access_denied' }))
    }

    const before = tokens.liveGrant(account.email, request.clientId)
    const hadRefreshToken = before !== undefined && before.refreshTokens.length > 0
    const grant = tokens.consent(account.email, request.clientId, chosen)
    const scopes = request.includeGranted ? grant.scopes : chosen
    const code = codes.issue({
      clientId: request.clientId,
      redirectUri: request.redirectUri,
      account: account.email,
      scopes,
      challenge: request.challenge,
      // A second consent yields none, unless the app asks for the consent page. The commonest surprise with Google.
      withRefreshToken: request.offline && (request.forceConsent || !hadRefreshToken),
      nonce: request.nonce,
    })
    return c.redirect(
      callback(request, { code, scope: scopes.join(' '), authuser: '0', prompt: request.forceConsent ? 'consent' : 'none' }),
    )
  })

  routes.onError((error, c) => {
    if (error instanceof Refusal) return c.html(errorPage(error.code, error.message), 400)
    throw error
  })
  return routes
}

function parseRequest(query: URLSearchParams, clients: ReadonlyMap<string, OAuthClient>): AuthorizeRequest {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1)
      throw new Refusal('invalid_request', `OAuth 2 parameters can only have a single value: ${name}`)
  }
  const client = clients.get(required(query, 'client_id'))
  if (client === undefined) throw new Refusal('invalid_client', 'The OAuth client was not found.')
  const redirectUri = required(query, 'redirect_uri')
  if (!allowsRedirect(client, redirectUri)) {
    throw new Refusal('redirect_uri_mismatch', `The app's redirect URI is not registered: ${redirectUri}`)
  }
  const responseType = required(query, 'response_type')
  if (responseType !== 'code') throw new Refusal('unsupported_response_type', `Invalid response_type: ${responseType}`)
  const scopes = [
    ...new Set(
      required(query, 'scope')
        .split(' ')
        .filter((scope) => scope !== ''),
    ),
  ]
  const unknown = scopes.filter((scope) => !knownScopes.has(scope))
  if (unknown.length > 0) throw new Refusal('invalid_scope', `Some requested scopes were invalid: ${unknown.join(', ')}`)

  return {
    clientId: client.clientId,
    redirectUri,
    scopes,
    state: query.get('state') ?? undefined,
    challenge: parseChallenge(query),
    offline: query.get('access_type') === 'offline',
    forceConsent: (query.get('prompt') ?? '').split(' ').includes('consent'),
    includeGranted: query.get('include_granted_scopes') === 'true',
    loginHint: query.get('login_hint') ?? undefined,
    nonce: query.get('nonce'),
  }
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name)
  if (value === null || value === '') throw new Refusal('invalid_request', `Missing required parameter: ${name}`)
  return value
}

function parseChallenge(query: URLSearchParams): PkceChallenge | null {
  const value = query.get('code_challenge')
  const method = query.get('code_challenge_method') ?? 'plain'
  if (value === null) return null
  if (method !== 'S256' && method !== 'plain')
    throw new Refusal('invalid_request', `Invalid parameter value for code_challenge_method: ${method}`)
  if (!/^[\w.~-]{43,128}$/.test(value)) throw new Refusal('invalid_request', 'Invalid parameter value for code_challenge.')
  return { method, value }
}

// RFC 9207: `iss` goes with success and error alike.
function callback({ redirectUri, state }: AuthorizeRequest, parameters: Record<string, string>): string {
  const url = new URL(redirectUri)
  const all = { ...(state !== undefined && { state }), iss: issuer, ...parameters }
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
  return url.href
}
