import type { ThreeLeggedToken } from '@aps_sdk/authentication'
import type { SandboxAccount } from '../admin-contract.ts'
import { createAuthorizationServer, type AuthorizationServer, type TokenPolicy } from '../oauth/authorization-server.ts'
import { rfcErrorAnswer } from '../oauth/oauth-error.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'
import type { SandboxFactoryOptions } from '../provider.ts'

export const apiHost = 'developer.api.autodesk.com'
export const authentication = `/${apiHost}/authentication/v2`
const issuer = `https://${apiHost}`
const errorUri = 'https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling/'
const refreshTokenSeconds = 15 * 24 * 3600

const knownScopes = (
  'user:read user:write user-profile:read viewables:read data:read data:write data:create data:search ' +
  'bucket:create bucket:read bucket:update bucket:delete code:all account:read account:write openid'
).split(' ')

/** A refresh token is good for one use, and a second use ends all that came of it. The 15 days begin anew with each. */
const tokens: TokenPolicy = {
  accessTokenSeconds: 3599,
  refreshTokens: { kind: 'single-use', seconds: refreshTokenSeconds, reuse: 'ends-family' },
}

/** Autodesk's authorization server: https://aps.autodesk.com/en/docs/oauth/v2/reference/http */
export function autodeskOAuth(
  { clock, clients, statePath }: SandboxFactoryOptions,
  accounts: readonly SandboxAccount[],
): Promise<AuthorizationServer> {
  const idOf = (name: string) => accounts.find((account) => account.name === name)?.id
  return createAuthorizationServer({
    name: 'Autodesk',
    clock,
    clients,
    accounts,
    statePath: statePath('autodesk-oauth.json'),
    paths: { authorize: `${authentication}/authorize`, token: `${authentication}/token`, revoke: `${authentication}/revoke` },
    lines: [
      {
        name: 'user',
        scopes: { parameter: 'scope', known: knownScopes },
        accessToken: {
          type: 'jwt',
          alg: 'RS256',
          claims: ({ scopes, clientId, account }) => ({
            scope: scopes,
            client_id: clientId,
            iss: issuer,
            aud: 'https://autodesk.com',
            // Not in a token of the app itself.
            ...(account !== null && { userid: idOf(account) }),
          }),
        },
      },
    ],
    tokens,
    // It cannot be switched off.
    tokensWithoutRotation: tokens,
    codeSeconds: 300,
    pkceMethods: ['S256'],
    clientCredentials: { known: knownScopes },
    revocation: { ends: 'family' },
    tokenAnswer,
    errorAnswer: (error) => {
      const { status, body } = rfcErrorAnswer(error)
      return { status, body: { ...Object(body), error_uri: errorUri } }
    },
  })
}

/** Scopes are not named. */
function tokenAnswer({ tokens: [token] }: TokenAnswer): object {
  if (token === undefined) throw new Error('An answer needs a token.')
  const { accessToken, expiresIn, refreshToken } = token
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  } satisfies Partial<ThreeLeggedToken>
}
