import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryEntry } from './admin-contract.ts'

/** One notification that a simulated provider sends: a POST to the address that an app has named. */
export interface DeliveryOrder {
  /** The app's callback address. */
  url: string
  headers: Readonly<Record<string, string>>
  /** Sent as it is, so that a signature over it holds. */
  body: string
  policy: DeliveryPolicy
  /** Asked before every attempt. False: it is not sent (any more), such as for a hook that was deleted meanwhile. */
  wanted?: () => boolean
  /** Called once, when nothing more is tried: for a provider that gives up on hooks which fail. */
  ended?: (state: DeliveryEntry['state']) => void
}

/** How a provider treats what it sends. Times are milliseconds. */
export interface DeliveryPolicy {
  /** How long the app may take to answer. */
  timeoutMs: number
  /** The waits before the second attempt, the third, …; it is given up after the last one. */
  retryAfterMs: readonly number[]
  /** What an answer means; null: there was none, or it came too late. */
  judge: (status: number | null) => 'accepted' | 'again' | 'refused'
}

const atOnce = 16
const remembered = 20_000

/**
 * Everything that the sandbox sends by itself. It calls this machine only, over HTTP or HTTPS: what an app registers is whatever somebody
 * typed, and a simulation must not send to strangers. In no particular order once there is more than a few, and at least once: a test can
 * have all sent twice, or not at all.
 */
export class Deliveries {
  readonly #closing = new AbortController()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #waiting: { order: DeliveryOrder; entry: DeliveryEntry }[] = []
  #entries: DeliveryEntry[] = []
  #last: DeliveryOrder | null = null
  #copies = 1
  #running = 0
  #sent = 0
  #settled: (() => void)[] = []

  /** Queues a notification. One to another machine is noted and never sent. */
  send(order: DeliveryOrder): void {
    for (let copy = 0; copy < this.#copies; copy += 1) this.#add(order)
  }

  /** Calls `make` after `ms` milliseconds and sends what it returns. Calls with the same key in between are one. */
  sendSoon(key: string, ms: number, make: () => DeliveryOrder | null): void {
    if (this.#timers.has(key) || this.#closing.signal.aborted) return
    const timer = setTimeout(() => {
      this.#timers.delete(key)
      const order = make()
      if (order !== null) this.send(order)
      this.#tellIfSettled()
    }, ms)
    this.#timers.set(key, timer)
  }

  /** How often everything is sent from now on: 1, as a rule; 2: as by a provider that repeats itself; 0: all is lost. */
  setCopies(copies: number): void {
    this.#copies = copies
  }

  /** Sends the latest notification again, byte for byte, as who has seen it could. Throws when there was none. */
  replay(): void {
    if (this.#last === null) throw new Error('The sandbox has not sent anything yet that could be replayed.')
    const { wanted: _wanted, ended: _ended, ...order } = this.#last
    this.#add(order)
  }

  /** What was sent, oldest first. */
  entries(): readonly DeliveryEntry[] {
    return this.#entries
  }

  /** Settles when nothing waits to be sent, or sent again, and all is answered. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled.push(resolve)
      this.#tellIfSettled()
    })
  }

  /** Ends everything that is under way; what waits is dropped. */
  close(): void {
    this.#closing.abort()
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#waiting.length = 0
    this.#tellIfSettled()
  }

  #add(order: DeliveryOrder): void {
    this.#sent += 1
    const entry: DeliveryEntry = { id: this.#sent, at: new Date().toISOString(), url: order.url, statuses: [], state: 'pending' }
    this.#entries.push(entry)
    if (this.#entries.length >= 2 * remembered) this.#entries = this.#entries.slice(-remembered)
    if (!isLoopback(order.url)) {
      entry.state = 'elsewhere'
      order.ended?.(entry.state)
      return
    }
    this.#last = order
    this.#waiting.push({ order, entry })
    this.#startMore()
  }

  #startMore(): void {
    while (this.#running < atOnce && !this.#closing.signal.aborted) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#running += 1
      void this.#deliver(next.order, next.entry).finally(() => {
        this.#running -= 1
        this.#startMore()
        this.#tellIfSettled()
      })
    }
  }

  // One that is to be sent again keeps its place among those under way: an app that is down slows its provider down.
  async #deliver(order: DeliveryOrder, entry: DeliveryEntry): Promise<void> {
    entry.state = await this.#attempts(order, entry)
    order.ended?.(entry.state)
  }

  async #attempts({ wanted, policy, ...request }: DeliveryOrder, entry: DeliveryEntry): Promise<DeliveryEntry['state']> {
    for (const waitMs of [0, ...policy.retryAfterMs]) {
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {})
      if (this.#closing.signal.aborted || wanted?.() === false) return 'dropped'
      const status = await this.#post(request, policy.timeoutMs)
      entry.statuses.push(status)
      const judged = policy.judge(status)
      if (judged !== 'again') return judged
    }
    return 'given-up'
  }

  async #post({ url, headers, body }: Omit<DeliveryOrder, 'policy'>, timeoutMs: number): Promise<number | null> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)])
    try {
      // A redirect is not followed: it could lead to another machine.
      const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      return null
    }
  }

  #tellIfSettled(): void {
    if (this.#running > 0 || this.#waiting.length > 0 || this.#timers.size > 0) return
    for (const resolve of this.#settled.splice(0)) resolve()
  }
}

/** True for an address of this machine. */
export function isLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  const local = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
  return local && (protocol === 'http:' || protocol === 'https:')
}
