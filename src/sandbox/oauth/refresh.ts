import type { IssuedToken, RefreshPolicy, TokenRequest } from './authorization-server.ts'
import { splitScopes } from './authorize-request.ts'
import type { OAuthClient } from './clients.ts'
import { requiredParameter } from './endpoint-request.ts'
import { OAuthError, type OAuthErrorReason } from './oauth-error.ts'
import { publicGrant, type TokenParts, type Yield } from './token-parts.ts'
import type { RefreshRecord } from './token-records.ts'

/** Exchanges a refresh token: RFC 6749 §6, with rotation as the provider has it. Throws OAuthError. */
export async function refreshTokens(request: TokenRequest, client: OAuthClient, parts: TokenParts): Promise<Yield> {
  const { store, issuer, counter, options } = parts
  const value = requiredParameter(request, 'refresh_token')
  const { token, family, grant } = findToken(value, client, parts)
  const reused = token.replacedAt !== null
  if (reused) counter.reused()
  checkState(value, parts, family.id)
  const scopes = narrowedScopes(request.parameters.get('scope'), token, options.scopeSeparator ?? ' ')

  // Before anything is waited for: of two that come at once, only one may find it unused.
  const policy = issuer.policy.refreshTokens
  const replaced = policy.kind === 'replaced' || policy.kind === 'single-use'
  if (replaced) store.replaceRefreshToken(token, deadAt(policy, options.clock.now()))
  const refreshToken = replaced ? issuer.refreshToken(family, token.scopes) : undefined
  const subject = { account: grant.account, clientId: client.clientId, line: family.line, scopes }
  const issued: IssuedToken = { ...(await issuer.accessToken(subject, family)), refreshToken }
  return { grant: publicGrant(grant), tokens: [issued], reused }
}

function findToken(value: string, client: OAuthClient, { store }: TokenParts) {
  const token = store.refreshToken(value)
  const family = token && store.family(token.familyId)
  const grant = family && store.grant(family.grantId)
  if (token === undefined || family === undefined || grant === undefined) {
    throw new OAuthError('refresh-token-unknown', 'The refresh token is invalid.')
  }
  if (grant.clientId !== client.clientId) {
    throw new OAuthError('refresh-token-of-other-client', 'The refresh token was issued to another client.')
  }
  return { token, family, grant }
}

function checkState(value: string, { store, issuer }: TokenParts, familyId: string): void {
  const state = store.refreshState(value)
  if (state === 'live') return
  const policy = issuer.policy.refreshTokens
  // RFC 9700 §4.14.2: one of the two senders has stolen it, and nobody knows which.
  if (state === 'used' && policy.kind === 'single-use' && policy.reuse === 'ends-family') store.endFamily(familyId)
  throw new OAuthError(reasons[state], 'The refresh token is invalid, expired or revoked.')
}

const reasons: Readonly<Record<'expired' | 'used' | 'revoked' | 'unknown', OAuthErrorReason>> = {
  expired: 'refresh-token-expired',
  used: 'refresh-token-used',
  revoked: 'refresh-token-revoked',
  unknown: 'refresh-token-unknown',
}

function narrowedScopes(asked: string | undefined, token: RefreshRecord, separator: string): readonly string[] {
  if (asked === undefined) return token.scopes
  const scopes = splitScopes(asked, separator)
  if (scopes.every((scope) => token.scopes.includes(scope))) return scopes
  throw new OAuthError('scope-exceeds', 'The requested scope exceeds what was granted.')
}

function deadAt(policy: RefreshPolicy, now: number): number | null {
  return policy.kind === 'single-use' ? now + (policy.graceSeconds ?? 0) * 1000 : null
}
