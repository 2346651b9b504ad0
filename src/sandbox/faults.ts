import type { Fault, FaultRule, FaultState } from './admin-contract.ts'

/** What a rule is compared with. */
interface ProviderRequest {
  host: string
  path: string
  method: string
}

interface WaitingFault {
  state: FaultState
  fits: (request: ProviderRequest) => boolean
  skip: number
}

/** The faults that are waiting to happen. */
export class Faults {
  #waiting: WaitingFault[] = []
  #lastId = 0

  /** Returns the rule's number. Throws when its path is not a regular expression though it begins like one. */
  add(rule: FaultRule): number {
    this.#lastId += 1
    this.#waiting.push({ state: { id: this.#lastId, rule, served: 0 }, fits: matcher(rule.match), skip: rule.skip })
    return this.#lastId
  }

  /** The fault for this request, which counts as having happened. */
  take(request: ProviderRequest): Fault | undefined {
    for (const waiting of this.#waiting) {
      const { state, fits } = waiting
      if (state.rule.times !== 'always' && state.served >= state.rule.times) continue
      if (!fits(request)) continue
      if (waiting.skip > 0) {
        waiting.skip -= 1
        continue
      }
      state.served += 1
      return state.rule.fault
    }
    return undefined
  }

  list(): FaultState[] {
    return this.#waiting.map(({ state }) => state)
  }

  clear(): void {
    this.#waiting = []
  }
}

function matcher({ host, path, method }: FaultRule['match']): WaitingFault['fits'] {
  const pattern = path?.startsWith('^') ? new RegExp(path) : undefined
  return (request) => {
    if (host !== undefined && host !== request.host) return false
    if (method !== undefined && method.toUpperCase() !== request.method) return false
    return pattern?.test(request.path) ?? (path === undefined || request.path.startsWith(path))
  }
}
