import { createHash, randomBytes } from 'node:crypto'
import type { SandboxClock } from '../../clock.ts'
import { OAuthError } from './oauth-error.ts'

// RFC 6749, section 4.1.2: ten minutes at most.
const lifetimeMs = 600_000

/** What a user agreed to, until the app exchanges the code for tokens. */
export interface CodeGrant {
  clientId: string
  redirectUri: string
  account: string
  scopes: readonly string[]
  challenge: PkceChallenge | null
  /** The exchange yields a refresh token. */
  withRefreshToken: boolean
  nonce: string | null
}

/** RFC 7636. */
export interface PkceChallenge {
  method: 'S256' | 'plain'
  value: string
}

interface IssuedCode extends CodeGrant {
  expiresAt: number
  /** The tokens that were issued for it; null before the exchange. */
  tokens: string[] | null
}

/** What the app shows at the token endpoint. */
export interface CodeExchange {
  clientId: string
  code: string
  redirectUri: string | undefined
  verifier: string | undefined
}

/** Authorization codes: single use, ten minutes. In memory only: a restart in the middle of a consent begins it anew. */
export class AuthorizationCodes {
  readonly #clock: SandboxClock
  readonly #codes = new Map<string, IssuedCode>()

  constructor(clock: SandboxClock) {
    this.#clock = clock
  }

  issue(grant: CodeGrant): string {
    const code = `4/0A${randomBytes(36).toString('base64url')}`
    this.#codes.set(code, { ...grant, expiresAt: this.#clock.now() + lifetimeMs, tokens: null })
    return code
  }

  /**
   * Uses up a code. `onReplay` gets the tokens that were issued for a code that comes a second time: they must end, as one of the
   * two senders has stolen it. Throws OAuthError.
   */
  redeem(exchange: CodeExchange, onReplay: (tokens: readonly string[]) => void): CodeGrant {
    const issued = this.#codes.get(exchange.code)
    if (issued === undefined) throw new OAuthError(400, 'invalid_grant', 'Malformed auth code.')
    if (issued.clientId !== exchange.clientId) throw new OAuthError(400, 'invalid_grant', 'Bad Request')
    if (issued.tokens !== null) {
      onReplay(issued.tokens)
      throw new OAuthError(400, 'invalid_grant', 'Bad Request')
    }
    if (issued.expiresAt <= this.#clock.now()) throw new OAuthError(400, 'invalid_grant', 'Bad Request')
    if (issued.redirectUri !== exchange.redirectUri) throw new OAuthError(400, 'redirect_uri_mismatch', 'Bad Request')
    checkVerifier(issued.challenge, exchange.verifier)
    issued.tokens = []
    return issued
  }

  /** Remembers which tokens a code was exchanged for. */
  tokensIssued(code: string, tokens: string[]): void {
    const issued = this.#codes.get(code)
    if (issued !== undefined) issued.tokens = tokens
  }
}

function checkVerifier(challenge: PkceChallenge | null, verifier: string | undefined): void {
  if (challenge === null) return
  if (verifier === undefined || verifier === '') throw new OAuthError(400, 'invalid_grant', 'Missing code verifier.')
  const computed = challenge.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  if (computed !== challenge.value) throw new OAuthError(400, 'invalid_grant', 'Invalid code verifier.')
}
