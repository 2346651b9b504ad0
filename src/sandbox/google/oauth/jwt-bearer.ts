import { compactVerify, decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import type { SandboxClock } from '../../clock.ts'
import { OAuthError } from '../../oauth/oauth-error.ts'
import { findAccount, serviceAccount } from '../accounts.ts'
import { delegatedScopes, knownScopes } from '../scopes.ts'
import type { ServiceAccountKey } from './service-account-key.ts'

const longestSeconds = 3600
// How far two clocks may be apart.
const toleranceSeconds = 300

/** Whom a service account's token is for, and what it may do. */
export interface Assertion {
  account: string
  scopes: string[]
}

/**
 * Checks a service account's signed request for a token.
 * https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 * Throws OAuthError, in Google's words.
 */
export async function checkAssertion(assertion: string, key: ServiceAccountKey, clock: SandboxClock): Promise<Assertion> {
  const claims = decode(assertion)
  if (claims.iss !== key.file.client_email) throw new OAuthError('assertion', 'Invalid grant: account not found')
  await compactVerify(assertion, key.publicKey, { algorithms: ['RS256'] }).catch(() => {
    throw new OAuthError('assertion', 'Invalid JWT Signature.')
  })
  if (claims.aud !== key.file.token_uri) throw new OAuthError('assertion', 'Invalid JWT: Failed audience check.')
  checkTimes(claims, clock.now() / 1000)

  const scopes = typeof claims['scope'] === 'string' ? claims['scope'].split(' ').filter((scope) => scope !== '') : []
  if (scopes.length === 0 || scopes.some((scope) => !knownScopes.has(scope))) {
    throw new OAuthError('scope-unknown', 'Invalid OAuth scope or ID token audience provided.')
  }
  if (claims.sub === undefined || claims.sub === serviceAccount.email) return { account: serviceAccount.email, scopes }
  if (findAccount(claims.sub) === undefined) throw new OAuthError('assertion', 'Invalid email or User ID')
  if (scopes.some((scope) => !delegatedScopes.has(scope))) {
    throw new OAuthError(
      'assertion',
      'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
      { status: 401, code: 'unauthorized_client' },
    )
  }
  return { account: claims.sub, scopes }
}

function decode(assertion: string): JWTPayload {
  try {
    decodeProtectedHeader(assertion)
    return decodeJwt(assertion)
  } catch {
    throw new OAuthError('assertion', 'Bad Request')
  }
}

function checkTimes({ iat, exp }: JWTPayload, now: number): void {
  const reasonable =
    iat !== undefined &&
    exp !== undefined &&
    exp > iat &&
    exp - iat <= longestSeconds &&
    iat <= now + toleranceSeconds &&
    exp > now - toleranceSeconds
  if (reasonable) return
  throw new OAuthError(
    'assertion',
    'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
  )
}
