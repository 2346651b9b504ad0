import picomatch from 'picomatch'
import { PatchbayError } from '../errors.ts'

/** True for the files that an endpoint keeps. */
export type FileFilter = (file: { name: string; mime: string | null }) => boolean

/**
 * Reads `endpoints.file_types`: `*` for all, extensions (`pdf`, `.pdf`), MIME types (`application/pdf`, `image/*`) and globs on the
 * file's name (`*.{dwg,rvt}`, `report-*`). A file passes if any of them fits; letter case does not matter. Throws `invalid_request` for what `patchbay.is_file_types` refuses: a
 * pattern is matched by backtracking, and with many stars one file's name could keep the worker busy for hours.
 */
export function fileFilter(fileTypes: readonly string[] | null): FileFilter {
  if (fileTypes === null || fileTypes.length === 0 || fileTypes.includes('*')) return () => true

  if (fileTypes.length > 50 || !fileTypes.every((type) => plainPattern.test(type) && !threeStars.test(type))) {
    throw new PatchbayError('invalid_request', 'file_types has a pattern that is not allowed.', {
      context: { field: 'file_types' },
      hint: 'Up to 50 texts of up to 100 characters, with two * in each at most, and no brackets or + ! @.',
    })
  }
  const byName = fileTypes.filter((type) => !type.includes('/')).map(nameGlob)
  const byMime = fileTypes.filter((type) => type.includes('/'))
  const nameFits = byName.length > 0 ? picomatch(byName, matching) : () => false
  const mimeFits = byMime.length > 0 ? picomatch(byMime, matching) : () => false
  // A slash in a name is part of the name, not a folder.
  return (file) => nameFits(file.name.replaceAll('/', '_')) || (file.mime !== null && mimeFits(file.mime))
}

const plainPattern = /^[^\][()+!@\\]{1,100}$/
const threeStars = /\*+[^*]+\*+[^*]+\*/
const matching = { nocase: true, dot: true, noextglob: true, nonegate: true } as const

/** The extension of a name in lower case, without the dot; null where there is none. */
export function fileExtension(name: string): string | null {
  return /[^.]\.([a-z0-9]{1,16})$/i.exec(name)?.[1]?.toLowerCase() ?? null
}

function nameGlob(type: string): string {
  return /^\.?[a-z0-9]+$/i.test(type) ? `*.${type.replace(/^\./, '')}` : type
}
