import { randomBytes } from 'node:crypto'
import type { SandboxAccount } from '../admin-contract.ts'
import type { SandboxFactoryOptions } from '../provider.ts'
import { createAuthorizationServer, type AuthorizationServer } from '../oauth/authorization-server.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'
import { oauthErrorAnswer } from './errors.ts'

/** Sign-in of production, developer sandbox and monthly sandbox. Here they know the same people and tokens, at Procore they do not. */
export const loginHosts = ['login.procore.com', 'login-sandbox.procore.com', 'login-sandbox-monthly.procore.com']

/** Sign-in and tokens. Facts from https://developers.procore.com/documentation/oauth-endpoints */
export function procoreOAuth(
  { clock, clients, statePath }: SandboxFactoryOptions,
  accounts: readonly SandboxAccount[],
): Promise<AuthorizationServer> {
  const at = (path: string) => loginHosts.map((host) => `/${host}/oauth/${path}`)
  return createAuthorizationServer({
    name: 'Procore',
    clock,
    clients,
    accounts,
    statePath: statePath('procore-oauth.json'),
    paths: { authorize: at('authorize'), token: at('token'), revoke: at('revoke') },
    lines: [
      {
        name: 'user',
        // There are no scopes: a connection may do what its user may do.
        scopes: { onApp: [] },
        accessToken: { type: 'jwt', alg: 'ES512', claims: ({ account, clientId }) => ({ sub: account, aid: clientId }) },
        makeRefreshToken: hexToken,
      },
    ],
    // "Refresh tokens are single-use": https://developers.procore.com/documentation/error-reference
    tokens: { accessTokenSeconds: 5400, refreshTokens: { kind: 'single-use' } },
    makeCode: hexToken,
    pkce: 'ignored',
    clientAuth: ['body'],
    jsonBodies: true,
    // "Revokes both the access token and the refresh token."
    revocation: { ends: 'family' },
    tokenAnswer,
    errorAnswer: oauthErrorAnswer,
  })
}

function tokenAnswer({ tokens: [token] }: TokenAnswer): object {
  if (token === undefined) throw new Error('Every token here is for somebody.')
  return {
    access_token: token.accessToken,
    token_type: 'bearer',
    expires_in: token.expiresIn,
    refresh_token: token.refreshToken,
    created_at: Math.floor(token.issuedAt / 1000),
  }
}

function hexToken(): string {
  return randomBytes(32).toString('hex')
}
