import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationCodes, CodeLine } from './authorization-codes.ts'
import type { AuthorizationServerOptions, AuthorizeRequest, Consent } from './authorization-server.ts'
import { AuthorizeRefusal, checkAuthorizeRequest, type CheckedRequest } from './authorize-request.ts'
import { consentPage, errorPage } from './consent-page.ts'
import { queryRequest } from './endpoint-request.ts'
import { endpointPaths } from './paths.ts'
import { randomToken } from './random.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { GrantRecord } from './token-records.ts'
import type { TokenStore } from './token-store.ts'

interface AuthorizeParts {
  options: AuthorizationServerOptions
  codes: AuthorizationCodes
  store: TokenStore
  issuer: TokenIssuer
}

/** The consent page and what its form does. */
export function authorizeEndpoint(parts: AuthorizeParts): Hono<SandboxEnv> {
  const { options } = parts
  const routes = new Hono<SandboxEnv>()
  const pending = new Map<string, CheckedRequest>()
  const paths = endpointPaths(options.paths.authorize)

  routes.on('GET', paths, (c) => {
    const query = new URL(c.req.url).searchParams
    const checked = checkAuthorizeRequest(queryRequest(c), query, options)
    const requestId = randomUUID()
    pending.set(requestId, checked)
    // Relative: the sandbox may be behind another address.
    const action = `${c.req.path.split('/').at(-1)}/consent`
    return c.html(consentPage({ action, requestId }, checked.request, options))
  })

  const consentPaths = paths.map((path) => `${path}/consent`)
  routes.on('POST', consentPaths, async (c) => {
    const form = await c.req.formData().catch(() => new FormData())
    const id = text(form, 'request')
    const checked = pending.get(id)
    if (checked === undefined) {
      throw new AuthorizeRefusal('invalid_request', 'This page was already used. Begin again in the app.')
    }
    const account = options.accounts.find(({ name }) => name === text(form, 'account'))?.name
    if (account === undefined) throw new AuthorizeRefusal('invalid_request', 'Unknown account.')
    pending.delete(id)
    const ticked = tickedScopes(checked.request, form, options)
    const allowed = text(form, 'decision') === 'allow' && ticked !== undefined
    return c.redirect(allowed ? consented(checked, account, ticked, parts) : denied(checked.request, options))
  })

  routes.onError((error, c) => {
    if (!(error instanceof AuthorizeRefusal)) throw error
    if (error.redirectUri === null) return c.html(errorPage(error.code, error.message), 400)
    const state = new URL(c.req.url).searchParams.get('state')
    const parameters = { error: error.code, error_description: error.message, ...(state !== null && { state }) }
    return c.redirect(callback(error.redirectUri, parameters, options))
  })
  return routes
}

/** Undefined when the user left nothing ticked of what could be. */
function tickedScopes(
  { scopes }: AuthorizeRequest,
  form: FormData,
  { lines }: AuthorizationServerOptions,
): Record<string, readonly string[]> | undefined {
  const chosen = new Set(form.getAll('scope'))
  const left = lines.map(({ name, scopes: kind }) => {
    const asked = scopes[name] ?? []
    return [name, 'untickable' in kind && kind.untickable ? asked.filter((scope) => chosen.has(scope)) : asked] as const
  })
  const asked = Object.values(scopes).flat().length
  return asked > 0 && left.every(([, kept]) => kept.length === 0) ? undefined : Object.fromEntries(left)
}

function denied(request: AuthorizeRequest, options: AuthorizationServerOptions): string {
  const usual = { ...stateOf(request), error: 'access_denied' }
  return callback(request.redirectUri, options.authorize?.denial?.(request) ?? usual, options)
}

function consented(
  { request, challenge }: CheckedRequest,
  account: string,
  scopes: Consent['scopes'],
  { options, codes, store, issuer }: AuthorizeParts,
): string {
  const open = store.openGrants(account, request.clientId)
  const hadRefreshToken = open.some(({ id }) => store.liveRefreshTokens(id).length > 0)
  const consent: Consent = { request, account, scopes, hadRefreshToken }
  const refusal = options.authorize?.refuse?.(consent)
  if (refusal !== undefined) return callback(request.redirectUri, { ...stateOf(request), ...refusal }, options)

  const grant = agree(consent, open, options, store)
  const includesGranted = options.grants === 'shared' && (options.authorize?.includesGranted?.(request) ?? true)
  const granted: Consent = includesGranted ? { ...consent, scopes: grant.scopes } : consent
  const code = options.makeCode?.() ?? randomToken()
  store.noteSecret(code)
  codes.add(code, {
    grantId: grant.id,
    clientId: request.clientId,
    redirectUri: request.redirectUri,
    challenge,
    lines: codeLines(granted, options, issuer),
    nonce: request.parameters.get('nonce'),
  })
  return callback(request.redirectUri, { ...stateOf(request), code, ...options.authorize?.success?.(granted) }, options)
}

/** The grant that the consent makes, or adds to. */
function agree(
  { account, scopes, request }: Consent,
  open: readonly GrantRecord[],
  { grants = 'each' }: AuthorizationServerOptions,
  store: TokenStore,
): GrantRecord {
  const before = grants === 'shared' ? open[0] : undefined
  const grant = before ?? store.addGrant({ account, clientId: request.clientId, scopes: {} })
  store.widenGrant(grant, scopes)
  return grant
}

// A line that asks for scopes and got none yields no token.
function codeLines(consent: Consent, { lines }: AuthorizationServerOptions, issuer: TokenIssuer): CodeLine[] {
  return lines.flatMap(({ name, scopes: kind, wantsRefreshToken }) => {
    const scopes = consent.scopes[name] ?? []
    if (scopes.length === 0 && 'parameter' in kind && kind.mayBeEmpty !== true) return []
    const withRefreshToken = issuer.policy.refreshTokens.kind !== 'none' && (wantsRefreshToken?.(consent) ?? true)
    return [{ line: name, scopes: [...scopes], withRefreshToken }]
  })
}

function stateOf({ state }: AuthorizeRequest): { state?: string } {
  return state === undefined ? {} : { state }
}

// RFC 9207: where `iss` is sent, it goes with success and error alike.
function callback(
  redirectUri: string,
  parameters: Readonly<Record<string, string>>,
  { issuer }: AuthorizationServerOptions,
): string {
  const url = new URL(redirectUri)
  const all = { ...parameters, ...(issuer !== undefined && { iss: issuer }) }
  for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
  return url.href
}

function text(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
