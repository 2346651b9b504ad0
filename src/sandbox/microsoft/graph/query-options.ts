import { badRequest } from './graph-error.ts'

type Query = Readonly<Record<string, string>>

const usualPage = 10
const largestPage = 1000

/** The properties that `$select` asks for; all without it. Throws GraphError for one that `type` does not have. */
export function select<T extends object>(resource: T, { $select }: Query, type: string): Partial<T> {
  if ($select === undefined) return resource
  const names = $select.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !(name in resource))
  if (unknown !== undefined) {
    throw badRequest(
      `Parsing OData Select and Expand failed: Could not find a property named '${unknown}' on type 'microsoft.graph.${type}'.`,
    )
  }
  // The id is always there.
  return Object.fromEntries(Object.entries(resource).filter(([name]) => name === 'id' || names.includes(name))) as Partial<T>
}

/** How `@odata.context` names what was selected. */
export function selection({ $select }: Query): string {
  return $select === undefined ? '' : `(${$select})`
}

/** `$top` and `$skip`. Throws GraphError when one is not a number, or `$top` too large. */
export function readPage({ $top, $skip }: Query): { top: number; skip: number } {
  const top = $top === undefined ? usualPage : readNumber('$top', $top)
  if (top > largestPage) {
    throw badRequest(
      `The limit of '${largestPage}' for Top query has been exceeded. The value from the incoming request is '${top}'.`,
    )
  }
  if (top === 0) throw badRequest("Invalid value '0' for $top query option found.")
  return { top, skip: $skip === undefined ? 0 : readNumber('$skip', $skip) }
}

function readNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw badRequest(
    `Invalid value '${text}' for ${name} query option found. The ${name} query option requires a non-negative integer value.`,
  )
}
