import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder that the sandbox served last, and keeps the state of; undefined before the first start. */
export async function keptRoot(dataDir: string): Promise<string | undefined> {
  return readFile(join(dataDir, 'root'), 'utf8').catch(() => undefined)
}

/** Another folder would be the same person's files with nearly all of them gone: the delete guard would rightly stop the sync. */
export async function keepRoot(dataDir: string, root: string): Promise<void> {
  const before = (await keptRoot(dataDir)) ?? root
  if (before !== root) {
    throw new Error(`The last start served ${before}. Start with --root ${before}, or begin again: npm run reset`)
  }
  await mkdir(dataDir, { recursive: true })
  await writeFile(join(dataDir, 'root'), root)
}
