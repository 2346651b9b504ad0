import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import type { TokenKey } from '../config.ts'
import { PatchbayError } from '../errors.ts'

/** What a ciphertext belongs to: it decrypts for nothing else. */
export type SecretOwner = `integration:${string}:${string}` | `state:${string}` | `webhook:${string}`

/** The owner of one of an integration's secrets. */
export function secretOwner(integrationId: string, name: string): SecretOwner {
  return `integration:${integrationId}:${name}`
}

/** The owner of a webhook's secret. */
export function webhookOwner(webhookId: string): SecretOwner {
  return `webhook:${webhookId}`
}

/**
 * Encrypts `text` with the first key, as compact JWE: AES-256-GCM with a direct key (RFC 7516, RFC 7518 §5.3). The owner is in the
 * protected header, which is the additional authenticated data of that form, so that a ciphertext moved to another row is refused.
 */
export function encryptFor(owner: SecretOwner, text: string, keys: readonly [TokenKey, ...TokenKey[]]): Promise<string> {
  const [{ id, key }] = keys
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: id, sub: owner })
    .encrypt(key)
}

/** The text that was encrypted for `owner`, by any of the keys. Throws `token_undecryptable`. */
export async function decryptFor(owner: SecretOwner, jwe: string, keys: readonly TokenKey[]): Promise<string> {
  const kid = keyIdOf(jwe)
  const found = keys.find((key) => key.id === kid)
  if (!found) {
    throw new PatchbayError(
      'token_undecryptable',
      `A token is encrypted with the key ${kid}, which CONNECTOR_TOKEN_KEYS does not list.`,
      {
        hint: `Add ${kid} to CONNECTOR_TOKEN_KEYS again, after the key that encrypts.`,
      },
    )
  }
  const { plaintext, protectedHeader } = await decrypt(jwe, found)
  if (protectedHeader['sub'] !== owner) throw undecryptable()
  return new TextDecoder().decode(plaintext)
}

async function decrypt(jwe: string, { key }: TokenKey): ReturnType<typeof compactDecrypt> {
  try {
    return await compactDecrypt(jwe, key, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] })
  } catch {
    // The cause says no more than "decryption failed", on purpose.
    throw undecryptable()
  }
}

function keyIdOf(jwe: string): string {
  try {
    return String(decodeProtectedHeader(jwe).kid)
  } catch {
    throw undecryptable()
  }
}

function undecryptable(): PatchbayError {
  return new PatchbayError(
    'token_undecryptable',
    'A stored token could not be decrypted: it was changed, moved, or its key was.',
    {
      hint: 'Check that CONNECTOR_TOKEN_KEYS still has the key that it was encrypted with.',
    },
  )
}
