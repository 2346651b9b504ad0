import type { TokenSubject } from '../oauth/authorization-server.ts'
import { randomToken } from '../oauth/random.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'

/** What the authorization server knows of a token. */
interface TokenState {
  isLive: (token: string) => boolean
  end: (token: string) => void
}

/** What Slack's tokens look like, and which ones live side by side. */
export class TokenForms {
  /** Whether the app has token rotation on; off, as for an app that never asked for it. */
  rotation = false
  readonly #state: TokenState
  readonly #botTokens = new Map<string, string>()
  /** The access tokens of a connection, oldest first, by its newest refresh token. */
  readonly #chains = new Map<string, string[]>()

  constructor(state: TokenState) {
    this.#state = state
  }

  /** Installing again yields the same token for the bot, until it is revoked; with rotation, a new one each time. */
  bot({ account, clientId }: TokenSubject): string {
    if (this.rotation) return `xoxe.xoxb-1-${randomToken()}`
    const key = JSON.stringify([account, clientId])
    const before = this.#botTokens.get(key)
    if (before !== undefined && this.#state.isLive(before)) return before
    const token = `xoxb-${randomToken(18)}`
    this.#botTokens.set(key, token)
    return token
  }

  user(): string {
    return this.rotation ? `xoxe.xoxp-1-${randomToken()}` : `xoxp-${randomToken(18)}`
  }

  /** Of all access tokens that come from one refresh token, the newest two live. */
  keepTwo({ request, tokens }: TokenAnswer): void {
    for (const { accessToken, refreshToken } of tokens) {
      if (refreshToken === undefined) continue
      const chain = this.#chains.get(request.parameters.get('refresh_token') ?? '') ?? []
      chain.push(accessToken)
      for (const oldest of chain.splice(0, chain.length - 2)) this.#state.end(oldest)
      this.#chains.set(refreshToken, chain)
    }
  }
}
