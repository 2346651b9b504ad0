import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { json, startServer } from '../http/test-server.ts'

/** The project's Auth server, as far as a function asks it: its public key. */
export interface AuthServer extends AsyncDisposable {
  /** For SUPABASE_URL. */
  url: string
  /** The JWT of a signed-in user. */
  signIn(userId: string): Promise<string>
}

export async function startAuthServer(): Promise<AuthServer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  // Of its own: supabase-js keeps the keys of all servers together.
  const kid = randomUUID()
  const keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }]
  const server = await startServer(json({ keys }))
  return {
    url: server.url,
    signIn: (userId) =>
      new SignJWT({ role: 'authenticated' })
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
        .setSubject(userId)
        .setExpirationTime('1 hour')
        .sign(privateKey),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
