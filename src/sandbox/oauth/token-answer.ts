import type { EndpointRequest, Grant, IssuedToken } from './authorization-server.ts'

/** What a token request brought, before it is put into words. */
export interface TokenAnswer {
  grantType: string
  request: EndpointRequest
  /** Null when the token is for the app itself. */
  grant: Grant | null
  /** One a line after a code exchange, in the order of the options' `lines`; one after a refresh. */
  tokens: readonly IssuedToken[]
  /** What separates scopes here. */
  scopeSeparator: string
  /** Whether refresh tokens rotate, as `configure` had it. */
  rotation: boolean
  /** The refresh token that was sent had been used before, and was accepted all the same: a grace period, or a policy. */
  reused: boolean
  /** `nonce` of the authorization request, for an ID token. */
  nonce: string | undefined
}

/** RFC 6749 §5.1. For one line; a provider with several has its own form. */
export function rfcTokenAnswer({ tokens: [token], scopeSeparator }: TokenAnswer): object {
  if (token === undefined) throw new Error('An answer needs a token.')
  return {
    access_token: token.accessToken,
    token_type: 'Bearer',
    expires_in: token.expiresIn,
    refresh_token: token.refreshToken,
    scope: token.scopes.length === 0 ? undefined : token.scopes.join(scopeSeparator),
  }
}
