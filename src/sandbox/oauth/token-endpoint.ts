import { Hono } from 'hono'
import type { SandboxEnv } from '../provider.ts'
import type { AuthorizationServerOptions, TokenRequest } from './authorization-server.ts'
import { splitScopes } from './authorize-request.ts'
import { authenticateClient } from './client-auth.ts'
import type { OAuthClient } from './clients.ts'
import { formRequest, requiredParameter } from './endpoint-request.ts'
import { OAuthError, rfcErrorAnswer, uncachedAnswer } from './oauth-error.ts'
import { endpointPaths } from './paths.ts'
import { refreshTokens } from './refresh.ts'
import { rfcTokenAnswer } from './token-answer.ts'
import { publicGrant, type TokenParts, type Yield } from './token-parts.ts'

/** The token endpoint. */
export function tokenEndpoint(parts: TokenParts): Hono<SandboxEnv> {
  const { options, counter, issuer } = parts
  const { jsonBodies = false, scopeSeparator = ' ', errorAnswer = rfcErrorAnswer } = options
  const routes = new Hono<SandboxEnv>()

  routes.on('POST', endpointPaths(options.paths.token), async (c) => {
    const request = await formRequest(c, jsonBodies)
    const authenticate = () => authenticateClient(request.parameters, c.req.header('authorization'), options)
    try {
      const grantType = grantTypeOf(request.parameters, options)
      const { grant, tokens, reused = false, nonce } = await yieldOf(grantType, { ...request, authenticate }, parts)
      counter.issued(grantType)
      const answer = { grantType, request, grant, tokens, scopeSeparator, rotation: issuer.rotation, reused, nonce }
      const body = await Promise.resolve((options.tokenAnswer ?? rfcTokenAnswer)(answer))
      return uncachedAnswer({ status: 200, body })
    } catch (error) {
      if (error instanceof OAuthError) return uncachedAnswer(errorAnswer(error, request))
      throw error
    }
  })
  return routes
}

function grantTypeOf(parameters: ReadonlyMap<string, string>, options: AuthorizationServerOptions): string {
  const grantType = parameters.get('grant_type') ?? options.usualGrantType
  if (grantType === undefined) throw new OAuthError('grant-type-missing', 'Missing required parameter: grant_type')
  const known = ['authorization_code', 'refresh_token', ...Object.keys(options.extraGrants ?? {})]
  if (options.clientCredentials !== undefined) known.push('client_credentials')
  if (known.includes(grantType)) return grantType
  throw new OAuthError('grant-type-unsupported', `Invalid grant_type: ${grantType}`)
}

async function yieldOf(grantType: string, request: TokenRequest, parts: TokenParts): Promise<Yield> {
  const extra = parts.options.extraGrants?.[grantType]
  if (extra !== undefined) {
    const subject = { ...(await extra(request)), line: firstLine(parts.options) }
    return { grant: null, tokens: [await parts.issuer.accessToken(subject, null)] }
  }
  const client = request.authenticate()
  if (grantType === 'client_credentials') return forTheApp(request, client, parts)
  return grantType === 'refresh_token' ? refreshTokens(request, client, parts) : exchangeCode(request, client, parts)
}

async function exchangeCode(
  request: TokenRequest,
  client: OAuthClient,
  { options, codes, store, issuer }: TokenParts,
): Promise<Yield> {
  const code = requiredParameter(request, 'code')
  const verifier = request.parameters.get('code_verifier')
  if (verifier !== undefined && options.pkce === 'refused') {
    throw new OAuthError('verifier-not-allowed', 'This app does not use PKCE.')
  }
  const exchange = { clientId: client.clientId, code, redirectUri: request.parameters.get('redirect_uri'), verifier }
  const { grantId, lines, nonce } = codes.check(exchange, (families) => families.forEach((id) => store.endFamily(id)))
  const grant = store.grant(grantId)
  if (grant === undefined || grant.ended) throw new OAuthError('code-used', 'The user has withdrawn the consent.')
  const families = lines.map(({ line }) => store.addFamily(grant.id, line))
  codes.use(
    code,
    families.map(({ id }) => id),
  )
  const tokens = await Promise.all(
    lines.map(async ({ line, scopes, withRefreshToken }, index) => {
      const family = families[index] ?? store.addFamily(grant.id, line)
      const subject = { account: grant.account, clientId: client.clientId, line, scopes }
      const token = await issuer.accessToken(subject, family)
      return withRefreshToken ? { ...token, refreshToken: issuer.refreshToken(family, scopes) } : token
    }),
  )
  return { grant: publicGrant(grant), tokens, nonce }
}

async function forTheApp(request: TokenRequest, client: OAuthClient, { options, issuer }: TokenParts): Promise<Yield> {
  const scopes = splitScopes(request.parameters.get('scope') ?? '', options.scopeSeparator ?? ' ')
  const known = options.clientCredentials?.known
  if (known !== undefined && scopes.some((scope) => !known.includes(scope))) {
    throw new OAuthError('scope-unknown', 'The requested scope is invalid.')
  }
  const subject = {
    account: null,
    clientId: client.clientId,
    line: firstLine(options),
    scopes: known === undefined ? [] : scopes,
  }
  return { grant: null, tokens: [await issuer.accessToken(subject, null)] }
}

function firstLine({ lines: [line] }: AuthorizationServerOptions): string {
  if (line === undefined) throw new Error('An authorization server needs a line of tokens.')
  return line.name
}
