import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What providers publish of themselves, and what was recorded. Beside the repository, and no part of it. */
const shared = join(import.meta.dirname, '../../../shared')
export const recordedDir = join(shared, 'recorded')

/** Why nothing can be checked here; undefined: it can. */
export function specsAreMissing(): string | undefined {
  if (existsSync(join(shared, 'specs'))) return undefined
  return 'the official descriptions are not there: they belong in ../shared/specs and ../shared/recorded'
}

/** The files of a folder of `specs`. */
export function listSpecs(folder: string): string[] {
  return readdirSync(join(shared, 'specs', folder)).map((name) => `${folder}/${name}`)
}

/** A file of `specs`, as text. */
export function readSpec(path: string): string {
  return readFileSync(join(shared, 'specs', path), 'utf8')
}
