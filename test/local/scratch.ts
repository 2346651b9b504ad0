import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ownProjectDir } from '../../src/local/services.ts'

export interface ScratchDir extends AsyncDisposable {
  path: string
}

/** An empty folder that is deleted in the end. */
export async function scratchDir(): Promise<ScratchDir> {
  const path = await mkdtemp(join(tmpdir(), 'patchbay-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A project with these files and our packages. */
export async function scratchProject(files: Record<string, string>): Promise<ScratchDir> {
  const dir = await scratchDir()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir.path, name)), { recursive: true })
    await writeFile(join(dir.path, name), text)
  }
  await symlink(join(ownProjectDir, 'node_modules'), join(dir.path, 'node_modules'))
  return dir
}
