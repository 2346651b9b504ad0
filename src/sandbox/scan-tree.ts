import { lstatSync, readdirSync, statSync, type Dirent, type Stats } from 'node:fs'
import { join, resolve } from 'node:path'

/** A file or folder on disk. Times are milliseconds since the epoch, sizes bytes. */
export interface TreeEntry {
  /** Relative to the scanned folder, with `/` between the names. */
  path: string
  name: string
  folder: boolean
  size: number
  modified: number
  created: number
}

/**
 * Lists everything below `root`, a folder before what is in it, in the order of names. Symbolic links are left out, not followed:
 * a tree may link to itself. What cannot be read is left out as well, and so is the folder `skip`. Throws when `root` is not a folder.
 */
export function scanTree(root: string, skip?: string): TreeEntry[] {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${root} is not a folder.`)
  const skipped = skip === undefined ? undefined : resolve(skip)
  const entries: TreeEntry[] = []
  const scan = (folder: string, prefix: string) => {
    for (const entry of readFolder(folder)) {
      const path = join(folder, entry.name)
      if (path === skipped) continue
      const stats = readStats(path, entry)
      if (stats === undefined) continue
      const modified = Math.floor(stats.mtimeMs)
      entries.push({
        path: prefix + entry.name,
        name: entry.name,
        folder: entry.isDirectory(),
        size: stats.size,
        modified,
        // Not every file system knows the birth time, and a copied file is born after it was last modified.
        created: Math.min(Math.floor(stats.birthtimeMs) || modified, modified),
      })
      if (entry.isDirectory()) scan(path, `${prefix}${entry.name}/`)
    }
  }
  // Synchronous: 60,000 asynchronous calls take several times as long, and nothing else is to be done yet.
  scan(resolve(root), '')
  return entries
}

function readFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}

function readStats(path: string, entry: Dirent): Stats | undefined {
  if (!entry.isFile() && !entry.isDirectory()) return undefined
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}
