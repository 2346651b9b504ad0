import { visibleParent, type Viewer } from './access.ts'
import { invalidValue } from '../api-error.ts'
import type { DriveFile } from './drive-file.ts'
import type { Query } from './query.ts'

export type Match = (file: DriveFile) => boolean

type Term = Extract<Query, { kind: 'term' }>

/** Makes a parsed `q` into a test of single files. `parentId` resolves an alias such as `root`. Throws ApiError for impossible terms. */
export function compileQuery(query: Query, viewer: Viewer, parentId: (id: string) => string): Match {
  switch (query.kind) {
    case 'and': {
      const left = compileQuery(query.left, viewer, parentId)
      const right = compileQuery(query.right, viewer, parentId)
      return (file) => left(file) && right(file)
    }
    case 'or': {
      const left = compileQuery(query.left, viewer, parentId)
      const right = compileQuery(query.right, viewer, parentId)
      return (file) => left(file) || right(file)
    }
    case 'not': {
      const inner = compileQuery(query.inner, viewer, parentId)
      return (file) => !inner(file)
    }
    case 'term':
      return compileTerm(query, viewer, parentId)
  }
}

function compileTerm(term: Term, { account }: Viewer, parentId: (id: string) => string): Match {
  const { field, operator, value } = term
  switch (field) {
    case 'parents': {
      if (operator !== 'in') throw invalidValue('q')
      const id = parentId(value)
      return (file) => file.parent?.id === id && visibleParent(file, account.email) !== null
    }
    case 'owners': {
      if (operator !== 'in') throw invalidValue('q')
      const email = value === 'me' ? account.email : value
      return (file) => file.owner === email
    }
    case 'name':
      return compareText(term, (file) => file.name, hasTokenPrefix)
    case 'mimeType':
      return compareText(
        term,
        (file) => file.mimeType,
        (type, prefix) => type.startsWith(prefix),
      )
    case 'modifiedTime':
      return compareTime(term, (file) => file.modified)
    case 'createdTime':
      return compareTime(term, (file) => file.created)
    case 'trashed':
      return compareBoolean(term, (file) => file.trashed)
    case 'starred':
      return compareBoolean(term, () => false)
    case 'sharedWithMe':
      return compareBoolean(term, (file) => file.sharedWith.includes(account.email))
    case 'shortcutDetails.targetId':
      if (operator !== '=') throw invalidValue('q')
      return (file) => file.shortcutTarget?.id === value
    default:
      throw invalidValue('q')
  }
}

function compareText(
  { operator, value }: Term,
  read: (file: DriveFile) => string,
  contains: (text: string, part: string) => boolean,
): Match {
  const wanted = value.toLowerCase()
  switch (operator) {
    case '=':
      return (file) => read(file).toLowerCase() === wanted
    case '!=':
      return (file) => read(file).toLowerCase() !== wanted
    case 'contains':
      return (file) => contains(read(file).toLowerCase(), wanted)
    default:
      throw invalidValue('q')
  }
}

// `name contains 'hello'` finds HelloWorld and "say hello", and not Othello: only the beginnings of words count.
function hasTokenPrefix(name: string, part: string): boolean {
  for (let at = name.indexOf(part); at !== -1; at = name.indexOf(part, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(name.charAt(at - 1))) return true
  }
  return false
}

function compareTime({ operator, value }: Term, read: (file: DriveFile) => number): Match {
  // Without a zone, the time is UTC.
  const time = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(value) || !value.includes('T') ? value : `${value}Z`)
  if (Number.isNaN(time)) throw invalidValue('q')
  switch (operator) {
    case '=':
      return (file) => read(file) === time
    case '!=':
      return (file) => read(file) !== time
    case '<':
      return (file) => read(file) < time
    case '<=':
      return (file) => read(file) <= time
    case '>':
      return (file) => read(file) > time
    case '>=':
      return (file) => read(file) >= time
    default:
      throw invalidValue('q')
  }
}

function compareBoolean({ operator, value }: Term, read: (file: DriveFile) => boolean): Match {
  if ((operator !== '=' && operator !== '!=') || (value !== 'true' && value !== 'false')) throw invalidValue('q')
  const wanted = (value === 'true') === (operator === '=')
  return (file) => read(file) === wanted
}
