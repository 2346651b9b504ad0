import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { StateFile } from '../../state-file.ts'
import { serviceAccount } from '../accounts.ts'

/** A service account's key file, as the Google Cloud console hands it out. */
export const ServiceAccountFile = z.object({
  type: z.literal('service_account'),
  project_id: z.string(),
  private_key_id: z.string(),
  /** PKCS#8, PEM. */
  private_key: z.string(),
  client_email: z.string(),
  client_id: z.string(),
  auth_uri: z.string(),
  token_uri: z.string(),
  universe_domain: z.string(),
})
export type ServiceAccountFile = z.output<typeof ServiceAccountFile>

/** The sandbox's one service account, with its key. */
export interface ServiceAccountKey {
  file: ServiceAccountFile
  privateKey: KeyObject
  publicKey: KeyObject
}

/** Reads the key from `path`, or makes one and keeps it there. Without a path, a new one each time. */
export async function loadServiceAccountKey(path: string | undefined): Promise<ServiceAccountKey> {
  const stored = path === undefined ? undefined : new StateFile(path)
  const found = await stored?.load()
  const file = found === undefined ? await newFile() : ServiceAccountFile.parse(found)
  if (found === undefined) {
    stored?.save(() => file)
    await stored?.flush()
  }
  const privateKey = createPrivateKey(file.private_key)
  return { file, privateKey, publicKey: createPublicKey(privateKey) }
}

async function newFile(): Promise<ServiceAccountFile> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return {
    type: 'service_account',
    project_id: 'patchbay-sandbox',
    private_key_id: randomBytes(20).toString('hex'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    client_email: serviceAccount.email,
    client_id: '104857600000000000001',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    universe_domain: 'googleapis.com',
  }
}
