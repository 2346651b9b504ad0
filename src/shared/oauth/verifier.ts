import type { Config } from '../config.ts'
import { decryptFor, encryptFor, type SecretOwner } from './vault.ts'

/** The PKCE verifier as it is stored: encrypted, and good for this state only. Null stays null: the provider takes none. */
export async function encryptVerifier(config: Config, stateHash: Uint8Array, verifier: string | null): Promise<string | null> {
  return verifier === null ? null : encryptFor(ownerOf(stateHash), verifier, config.tokenKeys)
}

export async function decryptVerifier(config: Config, stateHash: Uint8Array, jwe: string | null): Promise<string | null> {
  return jwe === null ? null : decryptFor(ownerOf(stateHash), jwe, config.tokenKeys)
}

function ownerOf(stateHash: Uint8Array): SecretOwner {
  return `state:${Array.from(stateHash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
