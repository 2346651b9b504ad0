import { createHash } from 'node:crypto'
import { OAuthError } from './oauth-error.ts'

/** RFC 7636. */
export interface PkceChallenge {
  method: 'S256' | 'plain'
  value: string
}

/** Checks that an exchange comes from whoever began. Throws OAuthError. */
export function checkVerifier(challenge: PkceChallenge | null, verifier: string | undefined): void {
  if (challenge === null) return
  if (verifier === undefined) throw new OAuthError('verifier-missing', 'Missing code verifier.')
  const computed = challenge.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  if (computed !== challenge.value) throw new OAuthError('verifier-wrong', 'Invalid code verifier.')
}
