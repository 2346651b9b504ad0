import { invalidParameter, notSimulated } from '../api-error.ts'
import { isFolder, type DriveFile } from './drive-file.ts'

type Comparison = (a: DriveFile, b: DriveFile) => number

const capacity = 32
const natural = new Intl.Collator('en', { numeric: true })
const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b))

const comparisons: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['createdTime', (a, b) => a.created - b.created],
  ['folder', (a, b) => Number(isFolder(b)) - Number(isFolder(a))],
  ['modifiedTime', (a, b) => a.modified - b.modified],
  ['name', (a, b) => byText(a.name.toLowerCase(), b.name.toLowerCase())],
  ['name_natural', (a, b) => natural.compare(a.name, b.name)],
  ['quotaBytesUsed', (a, b) => (a.size ?? 0) - (b.size ?? 0)],
  ['recency', (a, b) => a.modified - b.modified],
])
const unsimulated = new Set(['modifiedByMeTime', 'sharedWithMeTime', 'starred', 'viewedByMeTime'])

/** Parses `orderBy`; null without one, where files come in the order of creation. Throws ApiError. */
export function parseOrder(text: string | undefined): Comparison | null {
  if (text === undefined || text.trim() === '') return null
  const keys = text.split(',').map(parseKey)
  return (a, b) => {
    for (const compare of keys) {
      const difference = compare(a, b)
      if (difference !== 0) return difference
    }
    return a.seq - b.seq
  }
}

/** The lists that were sorted for a first page, for the pages after it: the latest 32. */
export class SortedLists {
  readonly #lists = new Map<number, readonly DriveFile[]>()
  #last = 0

  add(files: readonly DriveFile[]): number {
    this.#last += 1
    this.#lists.set(this.#last, files)
    this.#lists.delete(this.#last - capacity)
    return this.#last
  }

  get(id: number): readonly DriveFile[] | undefined {
    return this.#lists.get(id)
  }
}

function parseKey(item: string): Comparison {
  const [, key = '', descending] = /^\s*(\w+)( desc)?\s*$/.exec(item) ?? []
  if (unsimulated.has(key)) throw notSimulated(`orderBy=${key}`)
  const compare = comparisons.get(key)
  if (compare === undefined) throw invalidParameter('orderBy', `Invalid value for orderBy: ${item.trim()}`)
  return descending === undefined ? compare : (a, b) => compare(b, a)
}
