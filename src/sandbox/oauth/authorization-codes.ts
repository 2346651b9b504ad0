import type { SandboxClock } from '../clock.ts'
import { OAuthError } from './oauth-error.ts'
import { checkVerifier, type PkceChallenge } from './pkce.ts'

/** What a user agreed to, until the app exchanges the code for tokens. */
export interface CodeGrant {
  grantId: string
  clientId: string
  redirectUri: string
  challenge: PkceChallenge | null
  /** The tokens to come: one for each line. */
  lines: readonly CodeLine[]
  nonce: string | undefined
}

/** What one line's tokens will be good for. */
export interface CodeLine {
  line: string
  scopes: readonly string[]
  withRefreshToken: boolean
}

interface IssuedCode extends CodeGrant {
  expiresAt: number
  /** The families of tokens that it was exchanged for; null before that. */
  families: readonly string[] | null
}

/** What the app shows at the token endpoint. */
export interface CodeExchange {
  clientId: string
  code: string
  redirectUri: string | undefined
  verifier: string | undefined
}

/** Authorization codes: single use, short-lived. In memory only: a restart in the middle of a consent begins it anew. */
export class AuthorizationCodes {
  readonly #clock: SandboxClock
  readonly #lifetimeMs: number
  readonly #codes = new Map<string, IssuedCode>()

  constructor(clock: SandboxClock, lifetimeSeconds: number) {
    this.#clock = clock
    this.#lifetimeMs = lifetimeSeconds * 1000
  }

  add(code: string, grant: CodeGrant): void {
    this.#codes.set(code, { ...grant, expiresAt: this.#clock.now() + this.#lifetimeMs, families: null })
  }

  /**
   * Looks at a code without using it up. `onReplay` gets the families of tokens that were issued for a code that comes a second time:
   * they must end, as one of the two senders has stolen it (RFC 6749 §4.1.2). Throws OAuthError.
   */
  check(exchange: CodeExchange, onReplay: (families: readonly string[]) => void): CodeGrant {
    const issued = this.#codes.get(exchange.code)
    if (issued === undefined) throw new OAuthError('code-unknown', 'Malformed auth code.')
    if (issued.clientId !== exchange.clientId) {
      throw new OAuthError('code-of-other-client', 'The code was issued to another client.')
    }
    if (issued.families !== null) {
      onReplay(issued.families)
      throw new OAuthError('code-used', 'The code was already used.')
    }
    if (issued.expiresAt <= this.#clock.now()) throw new OAuthError('code-expired', 'The code has expired.')
    if (issued.redirectUri !== exchange.redirectUri) {
      throw new OAuthError('redirect-mismatch', 'redirect_uri is not that of the authorization request.')
    }
    checkVerifier(issued.challenge, exchange.verifier)
    return issued
  }

  /** Uses up a code for these families of tokens. */
  use(code: string, families: readonly string[]): void {
    const issued = this.#codes.get(code)
    if (issued !== undefined) issued.families = families
  }
}
