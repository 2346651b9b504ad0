import { SignJWT } from 'jose'
import {
  createAuthorizationServer,
  type AuthorizationServer,
  type AuthorizeRequest,
  type Consent,
  type TokenSubject,
} from '../../oauth/authorization-server.ts'
import { requiredParameter } from '../../oauth/endpoint-request.ts'
import { randomToken } from '../../oauth/random.ts'
import type { TokenAnswer } from '../../oauth/token-answer.ts'
import type { SandboxFactoryOptions } from '../../provider.ts'
import { findAccount, people } from '../accounts.ts'
import { describeScope, knownScopes } from '../scopes.ts'
import { checkAssertion } from './jwt-bearer.ts'
import { oauthErrorAnswer } from './oauth-error-answer.ts'
import type { ServiceAccountKey } from './service-account-key.ts'

export const authorizeHost = 'accounts.google.com'
export const tokenHost = 'oauth2.googleapis.com'
const issuer = 'https://accounts.google.com'
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const accessTokenSeconds = 3599
// https://developers.google.com/identity/protocols/oauth2#expiration: beyond it, the oldest stops working without a word.
const refreshTokensPerGrant = 100

/** Sign-in with Google. https://developers.google.com/identity/protocols/oauth2/web-server */
export function createGoogleOAuth(
  { clock, clients, statePath }: SandboxFactoryOptions,
  key: ServiceAccountKey,
): Promise<AuthorizationServer> {
  return createAuthorizationServer({
    name: 'Google',
    clock,
    clients,
    accounts: people.map(({ email, displayName, permissionId }) => ({ name: email, id: permissionId, label: displayName })),
    statePath: statePath('google-tokens.json'),
    paths: {
      authorize: `/${authorizeHost}/o/oauth2/v2/auth`,
      token: `/${tokenHost}/token`,
      revoke: `/${tokenHost}/revoke`,
    },
    lines: [
      {
        name: 'user',
        scopes: { parameter: 'scope', known: [...knownScopes], untickable: true },
        accessToken: { type: 'opaque', make: makeAccessToken },
        makeRefreshToken: () => `1//0g${randomToken(36)}`,
        wantsRefreshToken,
      },
    ],
    tokens: { accessTokenSeconds, refreshTokens: { kind: 'kept', limit: refreshTokensPerGrant } },
    makeCode: () => `4/0A${randomToken(36)}`,
    bothClientAuths: 'accepted',
    grants: 'shared',
    issuer,
    extraGrants: {
      [jwtBearer]: async (request) => ({
        ...(await checkAssertion(requiredParameter(request, 'assertion'), key, clock)),
        clientId: null,
      }),
    },
    // Google answers 400 for an unknown token, where RFC 7009 wants 200, and does not ask who sends it.
    revocation: { unknown: 'refused', clientAuth: false },
    authorize: {
      errors: 'page',
      success: callbackParameters,
      includesGranted: ({ parameters }) => parameters.get('include_granted_scopes') === 'true',
      describeScope,
    },
    tokenAnswer: (answer) => tokenAnswer(answer, key),
    errorAnswer: oauthErrorAnswer,
  })
}

function makeAccessToken({ clientId }: TokenSubject): string {
  return `${clientId === null ? 'ya29.c.' : 'ya29.a0'}${randomToken(48)}`
}

// A second consent yields none, unless the app asks for the consent page. The commonest surprise with Google.
function wantsRefreshToken({ request, hadRefreshToken }: Consent): boolean {
  return request.parameters.get('access_type') === 'offline' && (forcesConsent(request) || !hadRefreshToken)
}

function forcesConsent({ parameters }: AuthorizeRequest): boolean {
  return (parameters.get('prompt') ?? '').split(' ').includes('consent')
}

function callbackParameters({ request, scopes }: Consent): Record<string, string> {
  const scope = Object.values(scopes).flat().join(' ')
  return { scope, authuser: '0', prompt: forcesConsent(request) ? 'consent' : 'none' }
}

async function tokenAnswer({ grantType, tokens: [token], nonce }: TokenAnswer, key: ServiceAccountKey): Promise<object> {
  if (token === undefined) throw new Error('An answer needs a token.')
  const { accessToken, expiresIn, refreshToken, scopes } = token
  const common = { access_token: accessToken, expires_in: expiresIn, token_type: 'Bearer' }
  if (grantType === jwtBearer) return common
  const signedIn = grantType === 'authorization_code' && scopes.includes('openid')
  return {
    ...common,
    refresh_token: refreshToken,
    scope: scopes.join(' '),
    id_token: signedIn ? await idToken(token, nonce, key) : undefined,
  }
}

function idToken(
  { account, clientId, issuedAt }: TokenSubject & { issuedAt: number },
  nonce: string | undefined,
  key: ServiceAccountKey,
): Promise<string> {
  const email = account ?? ''
  const seconds = Math.floor(issuedAt / 1000)
  return new SignJWT({ email, email_verified: true, name: findAccount(email)?.displayName, nonce })
    .setProtectedHeader({ alg: 'RS256', kid: key.file.private_key_id, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(clientId ?? '')
    .setSubject(findAccount(email)?.permissionId ?? email)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + accessTokenSeconds)
    .sign(key.privateKey)
}
