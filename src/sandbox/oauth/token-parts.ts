import type { AuthorizationCodes } from './authorization-codes.ts'
import type { AuthorizationServerOptions, Grant, IssuedToken } from './authorization-server.ts'
import type { TokenCounter } from './token-counter.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { GrantRecord } from './token-records.ts'
import type { TokenStore } from './token-store.ts'

/** What the token endpoint works with. */
export interface TokenParts {
  options: AuthorizationServerOptions
  codes: AuthorizationCodes
  store: TokenStore
  issuer: TokenIssuer
  counter: TokenCounter
}

/** What a token request yields. */
export interface Yield {
  grant: Grant | null
  tokens: readonly IssuedToken[]
  reused?: boolean
  nonce?: string | undefined
}

/** A grant as vendors see it. */
export function publicGrant({ id, account, clientId, scopes }: GrantRecord): Grant {
  return { id, account, clientId, scopes }
}
