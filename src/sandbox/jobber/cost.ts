import { Kind, type DocumentNode, type FieldNode, type SelectionNode } from 'graphql'
import type { SandboxClock } from '../clock.ts'

const maximumAvailable = 10_000
/** A second. */
const restoreRate = 500
/** What a connection counts that says neither `first` nor `last`. */
const usualSize = 100

/** `extensions.cost`. https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits */
export interface Cost {
  requestedQueryCost: number
  actualQueryCost: number
  throttleStatus: { maximumAvailable: number; currentlyAvailable: number; restoreRate: number }
}

/** The points that an account has left for an app: a bucket that leaks. */
export class CostBucket {
  readonly #clock: SandboxClock
  #available = maximumAvailable
  #at: number

  constructor(clock: SandboxClock) {
    this.#clock = clock
    this.#at = clock.now()
  }

  /** Whether there is enough for a query; nothing is taken yet. */
  allows(requested: number): boolean {
    this.#refill()
    return requested <= this.#available
  }

  /** Takes what a query came to in the end. */
  spend(requested: number, actual: number): Cost {
    this.#refill()
    this.#available -= actual
    const currentlyAvailable = Math.floor(this.#available)
    return {
      requestedQueryCost: requested,
      actualQueryCost: actual,
      throttleStatus: { maximumAvailable, currentlyAvailable, restoreRate },
    }
  }

  #refill(): void {
    const now = this.#clock.now()
    this.#available = Math.min(maximumAvailable, this.#available + (Math.max(0, now - this.#at) / 1000) * restoreRate)
    this.#at = now
  }
}

/**
 * What a document costs: each field 1, `edges`, `nodes` and `node` nothing, and what is in a connection as often as it has items. `items`:
 * how many came; without it, how many may come.
 */
export function queryCost(document: DocumentNode, variables: Readonly<Record<string, unknown>>, items?: number): number {
  const fragments = new Map(
    document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])),
  )
  const operations = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)
  return sum(operations.flatMap(({ selectionSet }) => selectionSet.selections))

  function sum(selections: readonly SelectionNode[]): number {
    return fieldsOf(selections).reduce((total, field) => total + fieldCost(field), 0)
  }

  function fieldCost(field: FieldNode): number {
    const inner = fieldsOf(field.selectionSet?.selections ?? [])
    const listed = inner.filter(isItems)
    const rest = inner.filter((each) => !isItems(each))
    const once = (isItems(field) || field.name.value === 'node' ? 0 : 1) + sum(rest)
    return listed.length === 0 ? once : once + (items ?? sizeOf(field)) * sum(listed)
  }

  function fieldsOf(selections: readonly SelectionNode[]): FieldNode[] {
    return selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection]
      const set = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
      return fieldsOf(set?.selectionSet.selections ?? [])
    })
  }

  function sizeOf(field: FieldNode): number {
    const argument = field.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last')?.value
    if (argument?.kind === Kind.INT) return Number(argument.value)
    const value = argument?.kind === Kind.VARIABLE ? variables[argument.name.value] : undefined
    return typeof value === 'number' ? value : usualSize
  }
}

function isItems({ name }: FieldNode): boolean {
  return name.value === 'nodes' || name.value === 'edges'
}
