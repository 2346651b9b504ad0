import { canRead, canSee, isSharedWith, type Viewer } from './access.ts'
import { invalidValue } from '../api-error.ts'
import { fileNotFound } from './drive-error.ts'
import { positionAfter, type DriveFile } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'
import { readPageToken, writePageToken, type ListPosition } from './page-token.ts'
import { checkSpaces, readDriveScope, readPageSize, type DriveScope, type Parameters } from './parameters.ts'
import { parseQuery, requiredParents, type Query } from './query.ts'
import { compileQuery, type Match } from './query-match.ts'
import { parseOrder, SortedLists } from './sorted-lists.ts'

/** One page of files.list. */
export interface FilePage {
  files: DriveFile[]
  next: ListPosition | null
}

/** Files in the order of listings, from `start` on. */
interface Candidates {
  files: readonly (DriveFile | undefined)[]
  start: number
}

// What decides which files are in a list, and so which list a page token belongs to. Not the size of its pages, nor the fields.
const listParameters = ['q', 'orderBy', 'corpora', 'driveId', 'includeItemsFromAllDrives', 'supportsAllDrives', 'spaces']
const begin: ListPosition = { sorted: 0, after: -1 }

/** Answers files.list. */
export class FileLister {
  readonly #store: DriveStore
  readonly #sorted = new SortedLists()

  constructor(store: DriveStore) {
    this.#store = store
  }

  /** At most `limit` files, whatever `pageSize` says; a page that it cuts short still leads on. Throws ApiError. */
  list(parameters: Parameters, viewer: Viewer, limit: number): { files: DriveFile[]; nextPageToken: string | undefined } {
    checkSpaces(parameters)
    const size = Math.min(readPageSize(parameters), limit)
    const scope = readDriveScope(parameters, this.#store, viewer)
    const query = parameters['q']?.trim() ? parseQuery(parameters['q']) : null
    const match = this.#match(query, scope, viewer)
    const compare = parseOrder(parameters['orderBy'])
    const list = JSON.stringify([viewer.account.email, ...listParameters.map((name) => parameters[name] ?? null)])
    const token = parameters['pageToken']
    const position = token === undefined ? begin : readPageToken(list, token)

    const { files, next } =
      compare === null
        ? collect(this.#candidates(query, viewer, position.after), match, size, position)
        : this.#sortedPage(position, size, () => {
            const all = this.#candidates(query, viewer, -1).files.filter((file) => file !== undefined)
            return all.filter(match).sort(compare)
          })
    return { files, nextPageToken: next === null ? undefined : writePageToken(list, next) }
  }

  #sortedPage(position: ListPosition, size: number, sort: () => DriveFile[]): FilePage {
    const id = position === begin ? this.#sorted.add(sort()) : position.sorted
    const all = this.#sorted.get(id)
    // Such tokens end after a while, at Google as well.
    if (all === undefined) throw invalidValue('pageToken')
    const start = position.after + 1
    const files = all.slice(start, start + size).filter((file) => this.#store.find(file.id) === file)
    return { files, next: size === 0 || start + size < all.length ? { sorted: id, after: start + size - 1 } : null }
  }

  #match(query: Query | null, scope: DriveScope, viewer: Viewer): Match {
    const inScope = scopeMatch(scope, viewer)
    const inList: Match = viewer.onlyClient === null ? inScope : (file) => canSee(file, viewer) && inScope(file)
    if (query === null) return inList
    const matches = compileQuery(query, viewer, (id) => this.#folder(id, viewer).id)
    return (file) => matches(file) && inList(file)
  }

  // A list of what is in some folders costs what is in them, not what is in the account.
  #candidates(query: Query | null, viewer: Viewer, after: number): Candidates {
    const parents = query === null ? null : requiredParents(query)
    if (parents === null) return { files: this.#store.files, start: after + 1 }
    const folders = [...new Set(parents.map((id) => this.#folder(id, viewer)))]
    const [only, ...others] = folders
    const files =
      only !== undefined && others.length === 0
        ? only.children
        : folders.flatMap(({ children }) => children.slice(positionAfter(children, after))).sort((a, b) => a.seq - b.seq)
    return { files, start: positionAfter(files, after) }
  }

  #folder(id: string, { account }: Viewer): DriveFile {
    const folder = id === 'root' ? this.#store.root(account.email) : this.#store.find(id)
    // Google's message leaves the id out here.
    if (folder === undefined || !canRead(folder, account.email)) throw fileNotFound('')
    return folder
  }
}

function scopeMatch({ corpora, drive, sharedDrives }: DriveScope, { account }: Viewer): Match {
  const { email } = account
  if (drive !== null) return (file) => file.drive === drive
  return (file) => {
    if (file.drive !== null) return sharedDrives && corpora !== 'domain' && file.drive.members.includes(email)
    return file.owner === email || isSharedWith(file, email)
  }
}

function collect({ files: candidates, start }: Candidates, match: Match, size: number, position: ListPosition): FilePage {
  if (size === 0) return { files: [], next: position }
  const files: DriveFile[] = []
  for (let index = start; index < candidates.length; index += 1) {
    const file = candidates[index]
    if (file === undefined || !match(file)) continue
    if (files.length === size) return { files, next: { ...position, after: files.at(-1)?.seq ?? position.after } }
    files.push(file)
  }
  return { files, next: null }
}
