import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { SandboxFactoryOptions } from '../provider.ts'
import { createAuthorizationServer, type AuthorizationServer, type TokenSubject } from '../oauth/authorization-server.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'
import type { Businesses } from './businesses.ts'
import { oauthErrorAnswer } from './errors.ts'

const rotationOff =
  'Refresh token rotation is off. This setting is required for apps to be published in the Jobber App Marketplace. You can turn it on in the Developer Center. https://developer.getjobber.com/apps'

/** Sign-in and tokens. Facts from https://developer.getjobber.com/docs/building_your_app/app_authorization */
export function jobberOAuth(
  { clock, clients, statePath }: SandboxFactoryOptions,
  businesses: Businesses,
): Promise<AuthorizationServer> {
  // Only `exp`, which every JWT here has, is documented.
  const claims = ({ account, clientId, scopes }: TokenSubject) => ({
    sub: account,
    iss: 'https://api.getjobber.com',
    client_id: clientId,
    scope: scopes.join(' '),
    account_id: account === null ? null : businesses.of(account).number,
    app_id: clientId,
  })
  return createAuthorizationServer({
    name: 'Jobber',
    clock,
    clients,
    accounts: businesses.accounts,
    statePath: statePath('jobber-oauth.json'),
    paths: { authorize: '/api.getjobber.com/api/oauth/authorize', token: '/api.getjobber.com/api/oauth/token' },
    lines: [
      {
        name: 'account',
        scopes: { onApp: ['read_clients'] },
        accessToken: { type: 'jwt', alg: 'HS256', claims },
        makeRefreshToken: () => randomBytes(16).toString('hex'),
      },
    ],
    // An app of today: those registered before 2024 get tokens for a used refresh token, and a warning.
    tokens: { accessTokenSeconds: 3600, refreshTokens: { kind: 'single-use' } },
    sayExpiry: false,
    pkce: 'ignored',
    clientAuth: ['body'],
    // `appDisconnect` and the account's owner end all of them.
    grants: 'shared',
    authorize: {
      errors: 'page',
      // Nothing at all: the app cannot even know whose refusal it is.
      denial: () => ({}),
      describeScope: (scope) => (scope === 'read_clients' ? 'View your clients' : scope),
    },
    tokenAnswer,
    errorAnswer: oauthErrorAnswer,
  })
}

/** https://developer.getjobber.com/docs/building_your_app/refresh_token_rotation */
function tokenAnswer({ tokens: [token], rotation, request }: TokenAnswer): object {
  if (token === undefined) throw new Error('Every token here is for somebody.')
  const { accessToken, refreshToken, expiresIn } = token
  return {
    access_token: accessToken,
    // Without rotation, the one that was sent comes back.
    refresh_token: refreshToken ?? request.parameters.get('refresh_token'),
    expires_at: rotation && expiresIn === undefined ? undefined : expiry(accessToken),
    warning: rotation ? undefined : rotationOff,
  }
}

/** Such as `2024-04-09 21:04:31 UTC`. */
function expiry(accessToken: string): string {
  const { exp = 0 } = decodeJwt(accessToken)
  return new Date(exp * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC')
}
