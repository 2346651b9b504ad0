import type { SandboxClock } from '../clock.ts'

const hourMs = 3_600_000

/** Counts requests by the hour, for each user and app. The window of ten seconds is met as a fault only. */
export class RateLimit {
  requestsPerHour = 3600
  readonly #clock: SandboxClock
  readonly #used = new Map<string, { hour: number; requests: number }>()

  constructor(clock: SandboxClock) {
    this.#clock = clock
  }

  /** Counts a request. The headers go with its answer, whatever that is. */
  take(user: string): { exceeded: boolean; headers: Record<string, string> } {
    const hour = Math.floor(this.#clock.now() / hourMs)
    const before = this.#used.get(user)
    const requests = (before?.hour === hour ? before.requests : 0) + 1
    this.#used.set(user, { hour, requests })
    const headers = {
      'x-rate-limit-limit': String(this.requestsPerHour),
      'x-rate-limit-remaining': String(Math.max(0, this.requestsPerHour - requests)),
      'x-rate-limit-reset': String(((hour + 1) * hourMs) / 1000),
    }
    return { exceeded: requests > this.requestsPerHour, headers }
  }
}
