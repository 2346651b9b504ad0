import { randomUUID } from 'node:crypto'
import type { SandboxFactoryOptions } from '../provider.ts'
import { createAuthorizationServer, type AuthorizationServer, type TokenSubject } from '../oauth/authorization-server.ts'
import { randomToken } from '../oauth/random.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'
import { aadstsText, tokenError } from './aadsts.ts'
import { accounts, consumers, findPerson } from './people.ts'

/** Where Graph's scopes live: `Calendars.Read` is short for `https://graph.microsoft.com/Calendars.Read`. */
export const graphPrefix = 'https://graph.microsoft.com/'

const openIdScopes = ['openid', 'profile', 'email', 'offline_access']
const graphScopes = [
  'User.Read',
  'User.ReadBasic.All',
  'Calendars.Read',
  'Calendars.Read.Shared',
  'Calendars.ReadBasic',
  'Calendars.ReadWrite',
]
const refreshTokenSeconds = 90 * 86_400

/** Sign-in and tokens: the identity platform, version 2. Facts from https://learn.microsoft.com/entra/identity-platform */
export function identityPlatform({ clock, clients, statePath }: SandboxFactoryOptions): Promise<AuthorizationServer> {
  return createAuthorizationServer({
    name: 'Microsoft',
    clock,
    clients,
    accounts,
    statePath: statePath('microsoft-oauth.json'),
    paths: {
      authorize: '/login.microsoftonline.com/:tenant/oauth2/v2.0/authorize',
      token: '/login.microsoftonline.com/:tenant/oauth2/v2.0/token',
    },
    lines: [
      {
        name: 'graph',
        scopes: {
          parameter: 'scope',
          known: [...openIdScopes, ...graphScopes, ...graphScopes.map((scope) => graphPrefix + scope)],
        },
        accessToken: { type: 'opaque', make: (subject) => accessToken(subject, clock.now()) },
        makeRefreshToken: () => `1.AX${randomToken(96)}`,
        wantsRefreshToken: ({ scopes }) => scopes['graph']?.includes('offline_access') === true,
      },
    ],
    // "Refresh tokens aren't revoked when used to acquire new access tokens."
    tokens: { accessTokenSeconds: 3599, refreshTokens: { kind: 'replaced', seconds: refreshTokenSeconds } },
    makeCode: () => `1.AX${randomToken(96)}`,
    grants: 'shared',
    authorize: {
      denial: ({ state }) => ({
        error: 'access_denied',
        error_subcode: 'cancel',
        ...(state !== undefined && { state }),
      }),
      refuse: ({ account }) => {
        if (!findPerson(account).tenant.administratorsApprove) return undefined
        const needsAdministrator = { number: 90094, text: 'The grant requires administrator permission.' }
        return { error: 'access_denied', error_description: aadstsText(needsAdministrator, clock.now()) }
      },
      success: () => ({ session_state: randomUUID() }),
      describeScope,
    },
    tokenAnswer,
    errorAnswer: (error, request) => tokenError(error, request, clock.now()),
  })
}

/** Opaque for a personal account; for a work account a JWT, which is Graph's alone to read: https://learn.microsoft.com/entra/identity-platform/access-tokens */
function accessToken({ account, clientId, scopes }: TokenSubject, now: number): string {
  const { id, address, tenant } = findPerson(account ?? '')
  if (tenant === consumers) return `EwB4A8l6BAAU${randomToken(180)}`
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    aud: '00000003-0000-0000-c000-000000000000',
    iss: `https://sts.windows.net/${tenant.id}/`,
    iat: Math.floor(now / 1000),
    appid: clientId,
    oid: id,
    scp: scopes.filter((scope) => !openIdScopes.includes(scope)).join(' '),
    tid: tenant.id,
    upn: address,
  }
  return `${part({ typ: 'JWT', alg: 'RS256' })}.${part(claims)}.${randomToken(256)}`
}

/**
 * `offline_access` is granted without being named, and what belongs to sign-in is named without being asked for. For personal accounts,
 * Graph's scopes have their long names.
 */
function tokenAnswer({ tokens: [token], grant }: TokenAnswer): object {
  if (token === undefined || grant === null) throw new Error('Every token here is for somebody.')
  const graph = token.scopes.filter((scope) => !openIdScopes.includes(scope)).map((scope) => scope.replace(graphPrefix, ''))
  const personal = findPerson(grant.account).tenant === consumers
  return {
    token_type: 'Bearer',
    scope: (personal ? graph.map((scope) => graphPrefix + scope) : [...graph, 'profile', 'openid', 'email']).join(' '),
    expires_in: token.expiresIn,
    ext_expires_in: token.expiresIn,
    access_token: token.accessToken,
    refresh_token: token.refreshToken,
  }
}

function describeScope(scope: string): string {
  switch (scope.replace(graphPrefix, '')) {
    case 'User.Read':
      return 'Sign you in and read your profile'
    case 'Calendars.Read':
      return 'Read your calendars'
    case 'Calendars.ReadWrite':
      return 'Have full access to your calendars'
    case 'offline_access':
      return 'Maintain access to data you have given it access to'
    default:
      return scope
  }
}
