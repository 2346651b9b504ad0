import { Hono, type MiddlewareHandler } from 'hono'
import { SignJWT } from 'jose'
import type { SandboxClock } from '../../clock.ts'
import type { SandboxEnv } from '../../provider.ts'
import { findAccount } from '../accounts.ts'
import type { TokenStats } from '../admin-contract.ts'
import type { AuthorizationCodes } from './authorization-codes.ts'
import { authenticateClient, field, readForm } from './client-auth.ts'
import type { OAuthClient } from './clients.ts'
import { checkAssertion } from './jwt-bearer.ts'
import { OAuthError, tokenAnswer } from './oauth-error.ts'
import type { ServiceAccountKey } from './service-account-key.ts'
import type { TokenStore } from './token-store.ts'

const tokenPath = '/oauth2.googleapis.com/token'
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const grantTypes = ['authorization_code', 'refresh_token', jwtBearer]

interface TokenEndpointOptions {
  clients: ReadonlyMap<string, OAuthClient>
  codes: AuthorizationCodes
  tokens: TokenStore
  key: ServiceAccountKey
  clock: SandboxClock
}

/** Counts token requests as they arrive, whatever becomes of them. */
export function countTokenRequests(stats: TokenStats): MiddlewareHandler<SandboxEnv> {
  return async (c, next) => {
    if (c.req.path !== tokenPath || c.req.method !== 'POST') return next()
    const counter = statsOf(stats, field(await readForm(c.req), 'grant_type'))
    counter.requests += 1
    await next()
    if (c.res.status === 200) counter.issued += 1
  }
}

/** The token endpoint and revocation. */
export function tokenRoutes({ clients, codes, tokens, key, clock }: TokenEndpointOptions): Hono<SandboxEnv> {
  const routes = new Hono<SandboxEnv>()

  routes.post(tokenPath, async (c) => {
    const form = await readForm(c.req)
    const grantType = field(form, 'grant_type')
    if (grantType === jwtBearer) return tokenAnswer({ status: 200, body: await serviceAccountToken(form) })
    if (grantType === undefined) throw new OAuthError(400, 'invalid_request', 'Missing required parameter: grant_type')
    if (!grantTypes.includes(grantType)) throw new OAuthError(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType}`)
    const client = authenticateClient(form, c.req.header('authorization'), clients)
    const body = grantType === 'refresh_token' ? refresh(form, client) : await exchange(form, client)
    return tokenAnswer({ status: 200, body })
  })

  routes.post('/oauth2.googleapis.com/revoke', async (c) => {
    const token = field(await readForm(c.req), 'token')
    // Google answers 400 for an unknown token, where RFC 7009 wants 200.
    if (token === undefined || !tokens.revokeToken(token)) throw new OAuthError(400, 'invalid_token', 'Token expired or revoked')
    return new Response(null, { headers: { 'content-type': 'application/json; charset=UTF-8' } })
  })

  routes.onError((error) => {
    if (error instanceof OAuthError) return tokenAnswer(error.answer)
    throw error
  })
  return routes

  async function exchange(form: FormData, client: OAuthClient) {
    const code = field(form, 'code')
    if (code === undefined) throw new OAuthError(400, 'invalid_request', 'Missing required parameter: code')
    const granted = codes.redeem(
      { clientId: client.clientId, code, redirectUri: field(form, 'redirect_uri'), verifier: field(form, 'code_verifier') },
      (issued) => tokens.endTokens(issued),
    )
    const grant = tokens.liveGrant(granted.account, client.clientId)
    if (grant === undefined) throw new OAuthError(400, 'invalid_grant', 'Bad Request')
    const scopes = [...granted.scopes]
    const accessToken = tokens.issueAccessToken({ account: grant.account, clientId: client.clientId, scopes, grantId: grant.id })
    const refreshToken = granted.withRefreshToken ? tokens.issueRefreshToken(grant, scopes) : undefined
    codes.tokensIssued(code, refreshToken === undefined ? [accessToken] : [accessToken, refreshToken])
    return {
      access_token: accessToken,
      expires_in: tokens.accessTokenSeconds,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      scope: scopes.join(' '),
      token_type: 'Bearer',
      ...(scopes.includes('openid') && { id_token: await idToken(grant.account, client.clientId, granted.nonce) }),
    }
  }

  function refresh(form: FormData, client: OAuthClient) {
    const value = field(form, 'refresh_token')
    if (value === undefined) throw new OAuthError(400, 'invalid_request', 'Missing required parameter: refresh_token')
    const found = tokens.findRefreshToken(value)
    if (found === undefined || found.grant.clientId !== client.clientId) throw new OAuthError(400, 'invalid_grant', 'Bad Request')
    const { grant, token } = found
    if (token.revoked || grant.revoked) throw new OAuthError(400, 'invalid_grant', 'Token has been expired or revoked.')
    const asked = field(form, 'scope')?.split(' ') ?? token.scopes
    if (asked.some((scope) => !token.scopes.includes(scope))) throw new OAuthError(400, 'invalid_scope', 'Bad Request')
    const accessToken = tokens.issueAccessToken({
      account: grant.account,
      clientId: client.clientId,
      scopes: asked,
      grantId: grant.id,
    })
    // No refresh_token: Google does not rotate them.
    return { access_token: accessToken, expires_in: tokens.accessTokenSeconds, scope: asked.join(' '), token_type: 'Bearer' }
  }

  async function serviceAccountToken(form: FormData) {
    const assertion = field(form, 'assertion')
    if (assertion === undefined) throw new OAuthError(400, 'invalid_request', 'Missing required parameter: assertion')
    const { account, scopes } = await checkAssertion(assertion, key, clock)
    const accessToken = tokens.issueAccessToken({ account, clientId: null, scopes, grantId: null })
    return { access_token: accessToken, expires_in: tokens.accessTokenSeconds, token_type: 'Bearer' }
  }

  function idToken(email: string, audience: string, nonce: string | null): Promise<string> {
    const seconds = Math.floor(clock.now() / 1000)
    const claims = { email, email_verified: true, name: findAccount(email)?.displayName, ...(nonce !== null && { nonce }) }
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: key.file.private_key_id, typ: 'JWT' })
      .setIssuer('https://accounts.google.com')
      .setAudience(audience)
      .setSubject(findAccount(email)?.permissionId ?? email)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + tokens.accessTokenSeconds)
      .sign(key.privateKey)
  }
}

function statsOf(stats: TokenStats, grantType: string | undefined): TokenStats['other'] {
  if (grantType === jwtBearer) return stats.jwt_bearer
  return grantType === 'authorization_code' || grantType === 'refresh_token' ? stats[grantType] : stats.other
}
