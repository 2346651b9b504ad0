import type { Config } from '../config.ts'
import { PatchbayError } from '../errors.ts'
import type { ApiLimit, ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { pause } from '../stopping.ts'

/** The turns of one integration's requests. All workers together stay below the provider's limits (docs/decisions/0014). */
export interface Permits {
  /**
   * Resolves when the request may be sent. Throws `provider_rate_limited` when that would be later than in `longestMs`, with the time that
   * is left in `retryAfterMs`.
   */
  take: (request: LimitedRequest, longestMs: number) => Promise<void>
  /** The provider has said that it is too much: nobody sends such requests for `ms`. */
  pause: (request: LimitedRequest, ms: number) => Promise<void>
}

export interface LimitedRequest {
  method: string
  /** Without the host and the query. */
  path: string
}

/** More than this are not reserved at once: what is not used is lost to the others. */
const mostAtOnce = 16

/** Who has waited for less need not ask whether there has been a pause meanwhile. */
const shortWaitMs = 1_000

type PermitsRuntime = Pick<Runtime, 'sql' | 'now' | 'sleep' | 'stopping'> & { config: Pick<Config, 'sandboxUrl' | 'optional'> }

interface Grant {
  granted: number
  wait_ms: number
  keep_ms: number
}

/** Permits at hand for requests of one kind. */
interface Stock {
  left: number
  /** Milliseconds since the epoch. */
  goodUntil: number
  /** How many to ask for next. */
  ask: number
  /** Settles when nobody asks the database for this kind. */
  turn: Promise<unknown>
}

/**
 * The turns of an integration, or, before there is one, of the app alone. Undefined where the provider publishes no limits. What a
 * definition says of them is about the provider: a sandbox has those of `patchbay.provider_limits` only.
 */
export function sharedPermits(
  runtime: PermitsRuntime,
  definition: ProviderDefinition,
  integrationId: string | null,
): Permits | undefined {
  const { limits = [] } = definition.api
  return limits.length === 0 ? undefined : new SharedPermits(runtime, definition, limits, integrationId)
}

class SharedPermits implements Permits {
  private readonly runtime: PermitsRuntime
  private readonly definition: ProviderDefinition
  private readonly limits: readonly ApiLimit[]
  private readonly integrationId: string | null
  private readonly clientId: string | null
  private readonly stocks = new Map<string, Stock>()

  constructor(
    runtime: PermitsRuntime,
    definition: ProviderDefinition,
    limits: readonly ApiLimit[],
    integrationId: string | null,
  ) {
    this.runtime = runtime
    this.definition = definition
    this.limits = limits
    this.integrationId = integrationId
    this.clientId = runtime.config.optional(definition.auth.env.clientId) ?? null
  }

  async take(request: LimitedRequest, longestMs: number): Promise<void> {
    const { runtime } = this
    const orders = this.ordersOf(request, this.limits)
    if (orders === undefined) return
    const deadline = runtime.now() + longestMs
    const stock = this.stockOf(orders)
    for (;;) {
      // One question at a time: what it brings may serve the next request as well.
      const drawn = stock.turn.then(() => this.draw(orders, stock, deadline - runtime.now()))
      stock.turn = drawn.catch(noop)
      const waitMs = await drawn
      if (waitMs === 0) return
      await pause(runtime, waitMs)
      if (waitMs < shortWaitMs || !(await this.isPaused(orders))) return
    }
  }

  async pause(request: LimitedRequest, ms: number): Promise<void> {
    // Of several limits the narrowest: one account's trouble is not everybody's.
    const own = this.limits.filter(({ per }) => per === 'account')
    const orders = this.ordersOf(request, own) ?? this.ordersOf(request, this.limits)
    if (orders === undefined) return
    for (const stock of this.stocks.values()) stock.left = 0
    await this.runtime.sql`
      select patchbay.pause_permits(
        ${this.definition.id}, ${this.integrationId}::uuid, ${this.clientId}::text, ${orders}::text::jsonb, ${Math.ceil(ms)}::integer
      )`
  }

  /** Takes a permit from the stock, or asks for more. How long to wait for its turn, in milliseconds. */
  private async draw(orders: string, stock: Stock, longestMs: number): Promise<number> {
    if (stock.left > 0 && this.runtime.now() < stock.goodUntil) {
      stock.left -= 1
      return 0
    }
    const { granted, wait_ms: waitMs, keep_ms: keepMs } = await this.ask(orders, stock.ask, longestMs)
    if (granted === 0) throw this.tooMany(waitMs)
    stock.left = granted - 1
    stock.goodUntil = this.runtime.now() + keepMs
    // A run of one request takes one; one of many asks ever more rarely, as long as nobody has to wait.
    stock.ask = granted === stock.ask ? Math.min(mostAtOnce, granted * 2) : 1
    return waitMs
  }

  private async ask(orders: string, count: number, longestMs: number): Promise<Grant> {
    const [grant] = await this.runtime.sql<Grant[]>`
      select granted, wait_ms, keep_ms from patchbay.take_permits(
        ${this.definition.id}, ${this.integrationId}::uuid, ${this.clientId}::text, ${orders}::text::jsonb, ${count}::integer,
        ${Math.max(0, Math.floor(longestMs))}::integer
      )`
    if (!grant) throw new PatchbayError('internal_error', 'patchbay.take_permits returned no row.')
    return grant
  }

  private async isPaused(orders: string): Promise<boolean> {
    const [row] = await this.runtime.sql<{ paused: boolean }[]>`
      select patchbay.permits_paused(
        ${this.definition.id}, ${this.integrationId}::uuid, ${this.clientId}::text, ${orders}::text::jsonb
      ) as paused`
    return row?.paused === true
  }

  /** The limits that a request falls under, as the database takes them; undefined where there are none. */
  private ordersOf(request: LimitedRequest, limits: readonly ApiLimit[]): string | undefined {
    const real = this.runtime.config.sandboxUrl === undefined
    const orders = limits.flatMap(({ name, per, amount, periodMs, cost }) => {
      const units = cost(request)
      return units > 0 ? [{ name, per, cost: units, ...(real && { amount, period_ms: periodMs }) }] : []
    })
    return orders.length === 0 ? undefined : JSON.stringify(orders)
  }

  private stockOf(orders: string): Stock {
    const known = this.stocks.get(orders)
    if (known) return known
    const stock: Stock = { left: 0, goodUntil: 0, ask: 1, turn: Promise.resolve() }
    this.stocks.set(orders, stock)
    return stock
  }

  private tooMany(retryAfterMs: number): PatchbayError {
    const { id, name } = this.definition
    return new PatchbayError('provider_rate_limited', `${name} allows no more requests now. Patchbay goes on later by itself.`, {
      context: { provider: id },
      retryAfterMs,
    })
  }
}

function noop(): void {}
