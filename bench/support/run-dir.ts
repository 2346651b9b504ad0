import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ownProjectDir } from '../../src/local/services.ts'
import { isAlive } from '../../src/local/process-alive.ts'

const localDir = join(ownProjectDir, '.local')
const prefix = 'bench-'

/**
 * Makes a folder for this run, and deletes those of runs that were killed. It is on the project's own disk: a temporary folder may be in
 * memory, where writing durably costs nothing.
 */
export async function createRunDir(): Promise<string> {
  await mkdir(localDir, { recursive: true })
  for (const name of await readdir(localDir)) {
    if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length))))
      await rm(join(localDir, name), { recursive: true })
  }
  const dir = join(localDir, `${prefix}${process.pid}`)
  await mkdir(dir)
  return dir
}
