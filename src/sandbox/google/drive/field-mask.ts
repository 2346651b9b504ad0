import { invalidParameter } from '../api-error.ts'

/** The fields that an answer is cut down to: a name and what is wanted of its value, null for all of it. */
export type FieldMask = ReadonlyMap<string, FieldMask | null>

/** The fields that a resource has: `true` for a plain value, `'any'` for an object whose keys are not fixed. */
export interface FieldSchema {
  readonly [name: string]: FieldSchema | true | 'any'
}

/**
 * Parses a `fields` parameter: `a,b(c,d/e),*`. https://developers.google.com/drive/api/guides/fields-parameter
 * Throws ApiError for what cannot be parsed and for names that are not in the schema.
 */
export function parseFieldMask(text: string, schema: FieldSchema): FieldMask {
  const tokens = text.match(/[\w*-]+|[(),/]|\S/g) ?? []
  let position = 0
  const mask = parseList(schema)
  if (position < tokens.length) throw invalidSelection(tokens[position])
  return mask

  function parseList(fields: FieldSchema | 'any'): Map<string, FieldMask | null> {
    const list = new Map<string, FieldMask | null>()
    do parseItem(fields, list)
    while (accept(','))
    return list
  }

  function parseItem(fields: FieldSchema | 'any', list: Map<string, FieldMask | null>): void {
    const name = tokens[position]
    if (name === undefined || !/^[\w*-]+$/.test(name)) throw invalidSelection(name)
    position += 1
    const inner = name === '*' || fields === 'any' ? 'any' : fields[name]
    if (inner === undefined) throw invalidSelection(name)
    const selected = parseSelection(name, inner)
    const known = list.get(name)
    // `a,a(b)` is all of a; `a/b,a/c` is both.
    list.set(name, known === null || selected === null ? null : new Map([...(known ?? []), ...selected]))
  }

  function parseSelection(name: string, inner: FieldSchema | true | 'any'): Map<string, FieldMask | null> | null {
    const nested = accept('(')
    if (!nested && !accept('/')) return null
    if (inner === true) throw invalidSelection(name)
    if (!nested) {
      const list = new Map<string, FieldMask | null>()
      parseItem(inner, list)
      return list
    }
    const list = parseList(inner)
    if (!accept(')')) throw invalidSelection(tokens[position])
    return list
  }

  function accept(token: string): boolean {
    if (tokens[position] !== token) return false
    position += 1
    return true
  }
}

/** True when the mask lets the field through. */
export function selects(mask: FieldMask | null, name: string): boolean {
  return mask === null || mask.has(name) || mask.has('*')
}

/** What the mask wants of the field's value: null for all of it. Only for a field that it selects. */
export function innerMask(mask: FieldMask | null, name: string): FieldMask | null {
  if (mask === null) return null
  return (mask.has(name) ? mask.get(name) : mask.get('*')) ?? null
}

/** A value with only the fields that the mask selects; lists are cut down item by item. */
export function project(value: unknown, mask: FieldMask | null): unknown {
  if (mask === null || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => project(item, mask))
  const selected = Object.entries(value).filter(([name]) => selects(mask, name))
  return Object.fromEntries(selected.map(([name, field]) => [name, project(field, innerMask(mask, name))]))
}

function invalidSelection(name: string | undefined): Error {
  return invalidParameter('fields', `Invalid field selection ${name ?? ''}`.trimEnd())
}
