import { rm, writeFile } from 'node:fs/promises'
import type { Platform } from './services.ts'

/**
 * Writes what the Node worker and the operator's commands have to know of a local platform, as a file that `.env` can link to. It holds
 * keys, so that only its owner can read it; and nobody writes to it, or the next start would take away what was copied through the link.
 */
export async function writeWorkerEnv(
  path: string,
  { url, dbUrl, keys }: Pick<Platform, 'url' | 'dbUrl' | 'keys'>,
  functionEnv: Readonly<Record<string, string>>,
): Promise<void> {
  const env = {
    ...functionEnv,
    CONNECTOR_SUPABASE_URL: url,
    CONNECTOR_DATABASE_URL: dbUrl,
    CONNECTOR_SUPABASE_ANON_KEY: keys.publishableKey,
    CONNECTOR_SUPABASE_SERVICE_ROLE_KEY: keys.secretKey,
    CONNECTOR_WORKER_SECRET: keys.workerSecret,
  }
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`)
  await rm(path, { force: true })
  await writeFile(path, `# Of the last npm start, which writes it anew each time.\n${lines.join('')}`, { mode: 0o400 })
}
