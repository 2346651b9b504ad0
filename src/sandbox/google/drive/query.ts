import { invalidValue, notSimulated } from '../api-error.ts'

/** A parsed `q`. */
export type Query =
  | { kind: 'and' | 'or'; left: Query; right: Query }
  | { kind: 'not'; inner: Query }
  | { kind: 'term'; field: string; operator: Operator; value: string }

const operators = ['=', '!=', '<', '<=', '>', '>=', 'contains', 'in'] as const
type Operator = (typeof operators)[number]

// Strings with \' and \\ in them, words, operators, parentheses.
const tokenPattern = /\s*('(?:[^'\\]|\\.)*'|!=|<=|>=|[=<>()]|[\w.:-]+)/y
const unsimulated = new Set([
  'fullText',
  'properties',
  'appProperties',
  'visibility',
  'writers',
  'readers',
  'memberCount',
  'labels',
])

/**
 * Parses the `q` of files.list. https://developers.google.com/drive/api/guides/search-files
 * `and` and `or` bind equally, from left to right, as at Google. Throws ApiError.
 */
export function parseQuery(text: string): Query {
  const tokens = tokenize(text)
  let position = 0
  const query = parseAlternatives()
  if (position < tokens.length) throw invalidValue('q')
  return query

  function parseAlternatives(): Query {
    let left = parseFactor()
    for (;;) {
      const word = tokens[position]
      if (word !== 'and' && word !== 'or') return left
      position += 1
      left = { kind: word, left, right: parseFactor() }
    }
  }

  function parseFactor(): Query {
    const token = next()
    if (token === 'not') return { kind: 'not', inner: parseFactor() }
    if (token !== '(') return parseTerm(token)
    const inner = parseAlternatives()
    if (next() !== ')') throw invalidValue('q')
    return inner
  }

  function parseTerm(first: string): Query {
    // The value comes first with `in`: 'id' in parents.
    if (first.startsWith("'")) {
      if (next() !== 'in') throw invalidValue('q')
      return { kind: 'term', field: simulated(next()), operator: 'in', value: unquote(first) }
    }
    const field = simulated(first)
    const following = tokens[position]
    if (field === 'sharedWithMe' && following !== '=' && following !== '!=') {
      return { kind: 'term', field, operator: '=', value: 'true' }
    }
    const word = next()
    const operator = operators.find((known) => known === word)
    if (operator === undefined || operator === 'in') throw invalidValue('q')
    return { kind: 'term', field, operator, value: unquote(next()) }
  }

  function next(): string {
    const token = tokens[position]
    if (token === undefined) throw invalidValue('q')
    position += 1
    return token
  }
}

/** The folders of which at least one must be the parent of every match; null when the query does not say. */
export function requiredParents(query: Query): readonly string[] | null {
  switch (query.kind) {
    case 'term':
      return query.field === 'parents' ? [query.value] : null
    case 'and':
      return requiredParents(query.left) ?? requiredParents(query.right)
    case 'or': {
      const left = requiredParents(query.left)
      const right = requiredParents(query.right)
      return left === null || right === null ? null : [...left, ...right]
    }
    case 'not':
      return null
  }
}

function tokenize(text: string): string[] {
  const tokens: string[] = []
  let position = 0
  while (text.slice(position).trim() !== '') {
    tokenPattern.lastIndex = position
    const token = tokenPattern.exec(text)?.[1]
    if (token === undefined) throw invalidValue('q')
    tokens.push(token)
    position = tokenPattern.lastIndex
  }
  return tokens
}

function simulated(field: string): string {
  if (unsimulated.has(field)) throw notSimulated(`'${field}' in q`)
  return field
}

function unquote(token: string): string {
  return token.startsWith("'") ? token.slice(1, -1).replaceAll(/\\(.)/g, '$1') : token
}
