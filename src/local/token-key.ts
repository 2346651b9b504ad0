import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'

/** The key that encrypts this machine's tokens, as CONNECTOR_TOKEN_KEYS takes it; made once, readable by its owner only. */
export async function loadTokenKey(path: string): Promise<string> {
  try {
    // Fails if the file is there: a second start must not make the first one's tokens unreadable.
    await writeFile(path, `local:${randomBytes(32).toString('base64url')}`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFile(path, 'utf8')
}
