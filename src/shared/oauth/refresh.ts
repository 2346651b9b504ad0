import { PatchbayError, toPatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { pause } from '../stopping.ts'
import { refreshTokens, requestAppToken, requestServiceAccountToken } from './client.ts'
import { sealTokens } from './sealed-tokens.ts'
import {
  type RefreshTurn,
  type SealedTokens,
  type SecretId,
  type StoredSecret,
  beginRefresh,
  finishRefresh,
  markNeedsReauth,
  releaseRefresh,
} from './secret-store.ts'
import { type TokenSet, httpTimeoutMs } from './token-request.ts'
import { decryptFor, secretOwner } from './vault.ts'

/** Longer than the one HTTP request that it covers, so that two never ask at the same time while both are alive. */
const leaseMs = httpTimeoutMs + 15_000

/** Enough for a lease whose holder died, and for the one who takes over and needs both of its tries. */
const waitLimitMs = 3 * leaseMs

/** An access token in clear, and until when it may be used: milliseconds since the epoch, null is for ever. */
export interface Credentials {
  accessToken: string
  tokenType: string
  version: bigint
  expiresAt: number | null
  refreshDueAt: number | null
}

type Flights = Map<string, Promise<Credentials>>
const flightsByRuntime = new WeakMap<Runtime, Flights>()

/**
 * Credentials newer than `version`. However many ask, in however many processes, the provider gets one request: here they share one
 * promise, and between processes a lease in the row decides. Throws `needs_reauth`, `not_connected`, `refresh_failed`,
 * `refresh_timeout`, and the codes of an operator's mistake.
 */
export function refreshSince(
  runtime: Runtime,
  definition: ProviderDefinition,
  secret: SecretId,
  version: bigint,
): Promise<Credentials> {
  const flights = flightsOf(runtime)
  const key = `${secret.integrationId} ${secret.name} ${version}`
  const current = flights.get(key)
  if (current) return current
  const flight = new Refresh(runtime, definition, secret, version).run().finally(() => flights.delete(key))
  flights.set(key, flight)
  return flight
}

/** Resolves when no refresh is under way. A process must not end before: a provider may have replaced a token that is not stored yet. */
export async function settleRefreshes(runtime: Runtime): Promise<void> {
  await Promise.allSettled(flightsOf(runtime).values())
}

/** The access token of a stored secret, in clear. */
export async function openSecret(
  runtime: Runtime,
  { integrationId, name }: SecretId,
  secret: StoredSecret,
): Promise<Credentials> {
  return {
    accessToken: await decryptFor(secretOwner(integrationId, name), secret.accessTokenJwe, runtime.config.tokenKeys),
    tokenType: secret.tokenType,
    version: secret.version,
    expiresAt: secret.expiresAt,
    refreshDueAt: secret.refreshDueAt,
  }
}

/** One caller's way from a token it cannot use to one that it can. */
class Refresh {
  private readonly runtime: Runtime
  private readonly definition: ProviderDefinition
  private readonly id: SecretId
  private readonly version: bigint
  private readonly owner = crypto.randomUUID()

  constructor(runtime: Runtime, definition: ProviderDefinition, id: SecretId, version: bigint) {
    this.runtime = runtime
    this.definition = definition
    this.id = id
    this.version = version
  }

  /** Waits on the row, not on a lock: no transaction is open while somebody, here or elsewhere, talks to the provider. */
  async run(): Promise<Credentials> {
    const giveUpAt = this.runtime.now() + waitLimitMs
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
      const turn = await this.begin()
      switch (turn.outcome) {
        case 'granted':
          return this.refresh(turn)
        case 'changed':
          return openSecret(this.runtime, this.id, turn)
        case 'needs_reauth':
          throw this.failure('needs_reauth', 'no longer accepts this connection', 'Connect the account again.')
        case 'not_connected':
          throw this.failure('not_connected', 'is not connected', 'Connect the account again.')
        case 'wait':
          if (this.runtime.now() > giveUpAt)
            throw this.failure('refresh_timeout', 'did not give a new token in time', 'Try again later.')
          await pause(this.runtime, pauseMs * (0.5 + Math.random()))
      }
    }
  }

  private async begin(): Promise<RefreshTurn> {
    const { owner, version } = this
    const turn = await beginRefresh(this.runtime.sql, this.id, { owner, version, leaseMs })
    if (!turn) throw this.failure('not_connected', 'is not connected', 'Connect the account first.')
    return turn
  }

  private async refresh(secret: StoredSecret): Promise<Credentials> {
    try {
      const fresh = await this.requestAndStore(secret)
      if (fresh) this.count('ok')
      if (fresh) return fresh
    } catch (error) {
      this.count('failed')
      await this.giveUp(toPatchbayError(error))
    }
    return this.run()
  }

  /** Undefined: the row was written meanwhile, or the lease went to another; what is stored counts. */
  private async requestAndStore(secret: StoredSecret): Promise<Credentials | undefined> {
    const tokens = await this.requestTwiceIfUnknown(secret)
    if (!tokens) return undefined
    const stored = await this.store(await sealTokens(this.runtime.config, this.id, tokens))
    if (!stored) return undefined
    const { accessToken, tokenType, expiresAt, refreshDueAt } = tokens
    return { accessToken, tokenType, expiresAt, refreshDueAt, version: this.version + 1n }
  }

  /**
   * A request without an answer may have been served, and what that means is the provider's to say. The same token once more, at once: it
   * is good where a used one stays valid or has a grace period; elsewhere the answer tells whether the first request arrived.
   */
  private async requestTwiceIfUnknown(secret: StoredSecret): Promise<TokenSet | undefined> {
    try {
      return await this.request(secret)
    } catch (error) {
      if (!(error instanceof PatchbayError) || !isUnknownOutcome(error)) throw error
      this.runtime.log.warn('A token request had no answer; trying once more.', { ...error.context, code: error.code })
      // The lease was for one request. If it ran out and another took over, ours would be the second at the same time.
      const turn = await this.begin()
      return turn.outcome === 'granted' ? this.request(secret).catch((second) => this.explainLoss(second)) : undefined
    }
  }

  /** What the owner is told when the answer that was lost had the only good refresh token in it. */
  private explainLoss(error: unknown): never {
    const { name, auth } = this.definition
    if (!(error instanceof PatchbayError) || error.code !== 'needs_reauth' || auth.usedRefreshToken === 'valid') throw error
    throw new PatchbayError('needs_reauth', `${name} takes each refresh token once, and its answer to the last one was lost.`, {
      context: error.context,
      hint: 'Connect the account again.',
    })
  }

  private async request(secret: StoredSecret): Promise<TokenSet> {
    const { runtime, definition } = this
    const { integrationId, name } = this.id
    if (secret.grantType === 'service_account') return (await requestServiceAccountToken(runtime, definition)).token
    if (secret.grantType === 'client_credentials') return (await requestAppToken(runtime, definition, secret.accountId)).token
    if (secret.refreshTokenJwe === null) {
      throw this.failure('needs_reauth', 'gave a token that has ended, and none to refresh it with', 'Connect the account again.')
    }
    const refreshToken = await decryptFor(secretOwner(integrationId, name), secret.refreshTokenJwe, runtime.config.tokenKeys)
    return (await refreshTokens(runtime, definition, refreshToken)).token
  }

  /** A new pair that is not stored is lost, and with rotation the connection too: worth more than one try. */
  private async store(sealed: SealedTokens): Promise<boolean> {
    for (let pauseMs = 250; ; pauseMs *= 2) {
      try {
        return await finishRefresh(this.runtime.sql, this.id, this.version, sealed)
      } catch (error) {
        if (pauseMs > 4000) throw error
        await this.runtime.sleep(pauseMs)
      }
    }
  }

  /** Returns when the failure is out of date; else records it and throws what the callers get. */
  private async giveUp(failure: PatchbayError): Promise<void> {
    const { runtime, definition, id, version, owner } = this
    const { message, hint, retryAfterMs } = failure
    const context = { ...failure.context, integrationId: id.integrationId }
    if (failure.code === 'needs_reauth') {
      // The refusal may be about a token that somebody has replaced meanwhile: then theirs counts.
      const marked = await markNeedsReauth(runtime.sql, id, version, [message, hint].join(' '))
      if (!marked) return
      throw new PatchbayError('needs_reauth', message, { cause: failure, context, ...(hint === undefined ? {} : { hint }) })
    }
    const ours = failure.outcome === 'config' || failure.code === 'internal_error'
    const reason = ours ? null : `${message} Patchbay goes on trying; connect the account again if this lasts.`
    // If this fails too, the lease runs out by itself.
    await releaseRefresh(runtime.sql, id, { owner, errorCode: failure.code, reason, retryAfterMs: retryAfterMs ?? 0 }).catch(
      () => {},
    )
    if (ours) throw failure
    throw new PatchbayError('refresh_failed', `${definition.name} gave no new token.`, {
      cause: failure,
      context,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }

  private count(outcome: 'ok' | 'failed'): void {
    this.runtime.metrics?.tokenRefreshed({ provider: this.definition.id, outcome })
  }

  private failure(code: 'needs_reauth' | 'not_connected' | 'refresh_timeout', what: string, hint: string): PatchbayError {
    const { definition, id } = this
    const context = { provider: definition.id, integrationId: id.integrationId }
    return new PatchbayError(code, `${definition.name} ${what}.`, { context, hint })
  }
}

/** No answer, or one that broke off: the provider may have replaced the token. */
function isUnknownOutcome({ code }: PatchbayError): boolean {
  return code === 'provider_unreachable' || code === 'provider_answer_invalid'
}

function flightsOf(runtime: Runtime): Flights {
  const flights = flightsByRuntime.get(runtime) ?? new Map<string, Promise<Credentials>>()
  flightsByRuntime.set(runtime, flights)
  return flights
}
