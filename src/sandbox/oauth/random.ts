import { randomBytes } from 'node:crypto'

/** What nobody can guess: `bytes` random bytes in base64url. 32 of them are 43 characters. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
