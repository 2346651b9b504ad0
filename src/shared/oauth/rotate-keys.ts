import { PatchbayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { type Ciphertext, listCiphertexts, listKeyIds, replaceCiphertext } from './secret-store.ts'
import { decryptFor, encryptFor } from './vault.ts'

const batchSize = 200

/**
 * Encrypts every stored token anew with the first of CONNECTOR_TOKEN_KEYS, while the system runs; a token that is refreshed meanwhile is
 * so already. A run that is interrupted is simply run again. Resolves to the number of integrations written. Throws
 * `token_undecryptable` before it changes anything when a key is missing or is not the one that was used.
 */
export async function rotateKeys(runtime: Runtime, onProgress: (done: number) => void): Promise<number> {
  const { sql, config } = runtime
  const [{ id: keyId }] = config.tokenKeys
  await requireAllKeys(runtime)
  let written = 0
  let after: string | null = null
  for (;;) {
    const batch: Ciphertext[] = await listCiphertexts(sql, { otherThan: keyId, after, limit: batchSize })
    const last = batch.at(-1)
    if (!last) return written
    for (const secret of batch) if (await rotateOne(runtime, secret)) written += 1
    after = last.integrationId
    onProgress(written)
  }
}

/** One secret of each key is read first: a mistake shows before the work begins, not in its middle. */
async function requireAllKeys(runtime: Runtime): Promise<void> {
  for (const { keyId, integrationId, jwe } of await listKeyIds(runtime.sql)) {
    try {
      await decryptFor(`integration:${integrationId}`, jwe, runtime.config.tokenKeys)
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
  const { tokenKeys } = runtime.config
  const owner = `integration:${secret.integrationId}` as const
  const again = async (jwe: string): Promise<string> => encryptFor(owner, await decryptFor(owner, jwe, tokenKeys), tokenKeys)
  return replaceCiphertext(runtime.sql, {
    ...secret,
    accessTokenJwe: await again(secret.accessTokenJwe),
    refreshTokenJwe: secret.refreshTokenJwe === null ? null : await again(secret.refreshTokenJwe),
  })
}
