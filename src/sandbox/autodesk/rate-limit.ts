import type { MiddlewareHandler } from 'hono'
import type { SandboxClock } from '../clock.ts'
import { jsonAnswer } from '../provider.ts'
import type { ApiEnv } from './api-env.ts'
import { gatewayError } from './errors.ts'

const minuteMs = 60_000

// Requests a minute. https://aps.autodesk.com/en/docs/data/v2/developers_guide/rate-limiting/dm-rate-limits
const published = {
  hubs: 50,
  hub: 50,
  projects: 50,
  project: 50,
  topFolders: 300,
  folder: 300,
  contents: 300,
  folderParent: 50,
  item: 300,
  tip: 50,
  itemVersions: 800,
  version: 300,
  createVersion: 300,
} as const
type LimitedOperation = keyof typeof published

/** Counts requests by the minute, for each app and operation. Off until it is switched on: real limits make tests wait for minutes. */
export class RateLimit {
  #enabled = false
  #perMinute: Readonly<Record<string, number>> = {}
  readonly #clock: SandboxClock
  readonly #used = new Map<string, { minute: number; requests: number }>()

  constructor(clock: SandboxClock) {
    this.#clock = clock
  }

  /** Switches the limits on or off. `perMinute`: other figures than the published ones. Counting begins anew. */
  set({ enabled, perMinute }: { enabled: boolean; perMinute: Readonly<Record<string, number>> }): void {
    this.#enabled = enabled
    this.#perMinute = perMinute
    this.#used.clear()
  }

  /** Counts a request to an operation, and refuses one too many. */
  count(operation: LimitedOperation): MiddlewareHandler<ApiEnv> {
    return async (c, next) => {
      const waitMs = this.#enabled ? this.#take(c.var.token.clientId ?? '', operation) : 0
      if (waitMs === 0) return next()
      const answer = gatewayError(429, 'ERR-001', 'Quota limit exceeded.')
      return jsonAnswer({ ...answer, headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) } })
    }
  }

  /** 0: the request is within the limit; else the milliseconds until the next minute. */
  #take(clientId: string, operation: LimitedOperation): number {
    const now = this.#clock.now()
    const minute = Math.floor(now / minuteMs)
    const key = `${clientId} ${operation}`
    const before = this.#used.get(key)
    const requests = (before?.minute === minute ? before.requests : 0) + 1
    this.#used.set(key, { minute, requests })
    const most = this.#perMinute[operation] ?? published[operation]
    return requests > most ? (minute + 1) * minuteMs - now : 0
  }
}
