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
import { listWebhookSecrets, replaceWebhookSecret } from '../webhooks/webhook-store.ts'
import { type SecretOwner, decryptFor, encryptFor, secretOwner, webhookOwner } from './vault.ts'

const batchSize = 200
const longestWalks = 5

/**
 * Encrypts every stored token, and every secret of a webhook, anew with the first of CONNECTOR_TOKEN_KEYS, while the system runs. A run that
 * is interrupted is simply run again. Resolves to the number of secrets written. Throws `token_undecryptable` before it changes anything
 * when a key is missing or is not the one that was used.
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
    await rotateWebhooks(runtime, keyId, () => onProgress((written += 1)))
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

/** A webhook's secret stays the same as long as it lives, so once is enough. */
async function rotateWebhooks(runtime: Runtime, keyId: string, onWritten: () => void): Promise<void> {
  for (let after: string | null = null; ;) {
    const batch = await listWebhookSecrets(runtime.sql, { otherThan: keyId, after, limit: batchSize })
    const last = batch.at(-1)
    if (!last) return
    for (const { id, secretJwe } of batch) {
      await replaceWebhookSecret(runtime.sql, id, await encryptAgain(runtime, webhookOwner(id), secretJwe))
      onWritten()
    }
    after = last.id
  }
}

/** Reads one secret of each key: a mistake shows before the work begins, not in its middle. Throws `token_undecryptable`. */
export async function requireAllKeys(runtime: Runtime): Promise<void> {
  for (const { keyId, owner, jwe } of await listKeyIds(runtime.sql)) {
    try {
      await decryptFor(owner, jwe, runtime.config.tokenKeys)
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
async function again<T extends SecretId & Ciphertexts>(runtime: Runtime, secret: T): Promise<T> {
  const owner = secretOwner(secret.integrationId, secret.name)
  return {
    ...secret,
    accessTokenJwe: await encryptAgain(runtime, owner, secret.accessTokenJwe),
    refreshTokenJwe: secret.refreshTokenJwe === null ? null : await encryptAgain(runtime, owner, secret.refreshTokenJwe),
  }
}

async function encryptAgain({ config: { tokenKeys } }: Runtime, owner: SecretOwner, jwe: string): Promise<string> {
  return encryptFor(owner, await decryptFor(owner, jwe, tokenKeys), tokenKeys)
}
