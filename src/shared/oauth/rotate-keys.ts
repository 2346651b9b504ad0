import { PatchbayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import {
  type Ciphertext,
  type Ciphertexts,
  type SecretId,
  listCiphertexts,
  listKeyIds,
  listRevocations,
  replaceCiphertext,
  replaceRevocation,
} from './secret-store.ts'
import { decryptFor, encryptFor, secretOwner } from './vault.ts'

const batchSize = 200
const longestWalks = 5

/**
 * Encrypts every stored token anew with the first of CONNECTOR_TOKEN_KEYS, while the system runs. A run that is interrupted is simply
 * run again. Resolves to the number of secrets written. Throws
 * `token_undecryptable` before it changes anything when a key is missing or is not the one that was used.
 */
export async function rotateKeys(runtime: Runtime, onProgress: (done: number) => void): Promise<number> {
  const [{ id: keyId }] = runtime.config.tokenKeys
  await requireAllKeys(runtime)
  let written = 0
  // A refresh that comes in between wins, and may leave a refresh token under the old key: walk again until nothing is left.
  for (let walk = 0; walk < longestWalks; walk += 1) {
    const found = await walkOnce(runtime, keyId, () => onProgress((written += 1)))
    if (found > 0) continue
    // Last, as a connection that ended meanwhile has left its tokens there.
    for (const revocation of await listRevocations(runtime.sql, keyId)) {
      await replaceRevocation(runtime.sql, await again(runtime, revocation))
    }
    return written
  }
  throw new PatchbayError('database_unavailable', 'Some tokens were refreshed each time they were to be encrypted anew.', {
    hint: 'Run it again before you take the old key out.',
  })
}

/** How many secrets needed the new key; `onWritten` is called for each that got it. */
async function walkOnce(runtime: Runtime, keyId: string, onWritten: () => void): Promise<number> {
  let found = 0
  for (let after: SecretId | null = null; ;) {
    const batch: Ciphertext[] = await listCiphertexts(runtime.sql, { otherThan: keyId, after, limit: batchSize })
    const last = batch.at(-1)
    if (!last) return found
    for (const secret of batch) if (await rotateOne(runtime, secret)) onWritten()
    found += batch.length
    after = last
  }
}

/** Reads one secret of each key: a mistake shows before the work begins, not in its middle. Throws `token_undecryptable`. */
export async function requireAllKeys(runtime: Runtime): Promise<void> {
  for (const { keyId, integrationId, name, jwe } of await listKeyIds(runtime.sql)) {
    try {
      await decryptFor(secretOwner(integrationId, name), jwe, runtime.config.tokenKeys)
    } catch (error) {
      if (!(error instanceof PatchbayError)) throw error
      throw new PatchbayError('token_undecryptable', `Tokens encrypted with the key ${keyId} cannot be read.`, {
        cause: error,
        hint: `CONNECTOR_TOKEN_KEYS must list the new key first and ${keyId}, as it was, after it.`,
      })
    }
  }
}

async function rotateOne(runtime: Runtime, secret: Ciphertext): Promise<boolean> {
  return replaceCiphertext(runtime.sql, await again(runtime, secret))
}

/** The same tokens under the first key. */
async function again<T extends SecretId & Ciphertexts>({ config: { tokenKeys } }: Runtime, secret: T): Promise<T> {
  const owner = secretOwner(secret.integrationId, secret.name)
  const encrypt = async (jwe: string): Promise<string> => encryptFor(owner, await decryptFor(owner, jwe, tokenKeys), tokenKeys)
  return {
    ...secret,
    accessTokenJwe: await encrypt(secret.accessTokenJwe),
    refreshTokenJwe: secret.refreshTokenJwe === null ? null : await encrypt(secret.refreshTokenJwe),
  }
}
