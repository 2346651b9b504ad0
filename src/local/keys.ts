import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'

const Keys = z.object({
  /** Signs users' access tokens (HS256). */
  jwtSecret: z.string(),
  /** For clients: the role `anon` until a user signs in. */
  publishableKey: z.string(),
  /** For servers: the role `service_role`. */
  secretKey: z.string(),
  /** The older form of the two: JWTs, good for ten years. */
  anonKey: z.string(),
  serviceRoleKey: z.string(),
  /** What pg_net shows to the worker function. */
  workerSecret: z.string(),
})

/** The keys of one local project. */
export type Keys = z.infer<typeof Keys>

/** Reads the keys from a file that only its owner can read; makes it on the first call. */
export async function loadKeys(path: string): Promise<Keys> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) return Keys.parse(JSON.parse(text))
  const keys = await createKeys()
  await mkdir(dirname(path), { recursive: true })
  // Renamed into place, so that a half-written file is never read.
  const draft = `${path}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, path)
  return keys
}

async function createKeys(): Promise<Keys> {
  const jwtSecret = random(32)
  return {
    jwtSecret,
    publishableKey: `sb_publishable_${random(17)}`,
    secretKey: `sb_secret_${random(17)}`,
    anonKey: await signRole(jwtSecret, 'anon'),
    serviceRoleKey: await signRole(jwtSecret, 'service_role'),
    workerSecret: random(32),
  }
}

/** Whether a JWT is signed with the project's secret and not expired. */
export async function isValidJwt(token: string, jwtSecret: string): Promise<boolean> {
  try {
    await jwtVerify(token, new TextEncoder().encode(jwtSecret), { algorithms: ['HS256'] })
    return true
  } catch {
    return false
  }
}

function signRole(jwtSecret: string, role: string): Promise<string> {
  return new SignJWT({ role, iss: 'supabase' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime('10y')
    .sign(new TextEncoder().encode(jwtSecret))
}

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}
