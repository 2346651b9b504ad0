import type { Fault, FaultRule, FaultState } from './admin-contract.ts'

/** The faults that are waiting to happen. */
export class Faults {
  readonly #rules: (FaultState & { skip: number })[] = []
  #lastId = 0

  add(rule: FaultRule): number {
    this.#lastId += 1
    this.#rules.push({ id: this.#lastId, rule, served: 0, skip: rule.skip })
    return this.#lastId
  }

  /** The fault for this request, which counts as having happened. */
  take(request: { host: string; path: string; method: string }): Fault | undefined {
    for (const state of this.#rules) {
      const { match, times, fault } = state.rule
      if (times !== 'always' && state.served >= times) continue
      if (!fits(match, request)) continue
      if (state.skip > 0) {
        state.skip -= 1
        continue
      }
      state.served += 1
      return fault
    }
    return undefined
  }

  list(): FaultState[] {
    return this.#rules.map(({ id, rule, served }) => ({ id, rule, served }))
  }

  clear(): void {
    this.#rules.length = 0
  }
}

function fits({ host, path, method }: FaultRule['match'], request: { host: string; path: string; method: string }): boolean {
  if (host !== undefined && host !== request.host) return false
  if (method !== undefined && method.toUpperCase() !== request.method) return false
  if (path === undefined) return true
  return path.startsWith('^') ? new RegExp(path).test(request.path) : request.path.startsWith(path)
}
