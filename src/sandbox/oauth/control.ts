import type { SandboxAccount } from '../admin-contract.ts'
import type { AuthorizationServerOptions, OAuthControl } from './authorization-server.ts'
import type { TokenCounter } from './token-counter.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { TokenStore } from './token-store.ts'

interface ControlParts {
  options: AuthorizationServerOptions
  store: TokenStore
  issuer: TokenIssuer
  counter: TokenCounter
}

/** What an authorization server brings of a provider's control. */
export function oauthControl({ options: { accounts }, store, issuer, counter }: ControlParts): OAuthControl {
  return {
    accounts,
    tokenStats: () => counter.stats,
    configure: (settings) => issuer.configure(settings),
    expireAccessTokens: () => store.expireAccessTokens(),
    revokeGrants: (name) => {
      const { name: account } = findAccount(accounts, name)
      const live = store.liveGrants(account).length
      for (const { id } of store.openGrants(account)) store.endGrant(id)
      return live
    },
    liveGrants: (name) => store.liveGrants(findAccount(accounts, name).name).length,
    tokens: () => store.secrets(),
  }
}

/** The account of that name. Throws when there is none. */
export function findAccount(accounts: readonly SandboxAccount[], name: string): SandboxAccount {
  const account = accounts.find((each) => each.name === name)
  if (account !== undefined) return account
  throw new Error(`There is no account ${name}, only ${accounts.map((each) => each.name).join(', ')}.`)
}
