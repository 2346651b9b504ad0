import picomatch from 'picomatch'

/** True for the files that an endpoint keeps. */
export type FileFilter = (file: { name: string; mime: string | null }) => boolean

/**
 * Reads `endpoints.file_types`: `*` for all, extensions (`pdf`, `.pdf`), MIME types (`application/pdf`, `image/*`) and globs on the
 * file's name (`*.{dwg,rvt}`, `report-*`). A file passes if any of them fits; letter case does not matter.
 */
export function fileFilter(fileTypes: readonly string[] | null): FileFilter {
  if (fileTypes === null || fileTypes.length === 0 || fileTypes.includes('*')) return () => true

  const byName = fileTypes.filter((type) => !type.includes('/')).map(nameGlob)
  const byMime = fileTypes.filter((type) => type.includes('/'))
  const nameFits = byName.length > 0 ? picomatch(byName, { nocase: true, dot: true }) : () => false
  const mimeFits = byMime.length > 0 ? picomatch(byMime, { nocase: true, dot: true }) : () => false
  // A slash in a name is part of the name, not a folder.
  return (file) => nameFits(file.name.replaceAll('/', '_')) || (file.mime !== null && mimeFits(file.mime))
}

/** The extension of a name in lower case, without the dot; null where there is none. */
export function fileExtension(name: string): string | null {
  return /[^.]\.([a-z0-9]{1,16})$/i.exec(name)?.[1]?.toLowerCase() ?? null
}

function nameGlob(type: string): string {
  return /^\.?[a-z0-9]+$/i.test(type) ? `*.${type.replace(/^\./, '')}` : type
}
