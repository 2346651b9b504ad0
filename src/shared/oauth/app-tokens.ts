import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { requestAppToken } from './client.ts'
import type { AccessToken, TokenSource } from './token-source.ts'

/** Which of the app's own tokens. `clientId`: one of the operator's further apps; undefined: the one that users connect with. */
export interface AppTokenId {
  scopes: readonly string[]
  clientId: string | undefined
}

/** Clocks differ, and a request takes a while to arrive. */
const marginMs = 60_000

type KeptToken = AccessToken & { expiresAt: number | null }

/** In memory: a new one costs nobody's consent. Promises, so that whoever comes meanwhile waits for the same. */
const keptByRuntime = new WeakMap<Runtime, Map<string, Promise<KeptToken>>>()

/** The app's own token (RFC 6749 §4.4) for what concerns no account. Throws `client_rejected` and the transient codes. */
export function appTokenSource(runtime: Runtime, definition: ProviderDefinition, id: AppTokenId): TokenSource {
  const tokens = keptByRuntime.get(runtime) ?? new Map<string, Promise<KeptToken>>()
  keptByRuntime.set(runtime, tokens)
  const key = JSON.stringify([definition.id, id.clientId, ...id.scopes])

  const request = (version: bigint): Promise<KeptToken> => {
    const requested = requestToken(runtime, definition, id, version)
    tokens.set(key, requested)
    requested.catch(() => {
      if (tokens.get(key) === requested) tokens.delete(key)
    })
    return requested
  }

  const tokenThat = async (isGood: (token: KeptToken) => boolean): Promise<KeptToken> => {
    const waitedFor = tokens.get(key)
    const kept = await waitedFor
    if (kept && isGood(kept)) return kept
    // Somebody else has asked meanwhile.
    if (tokens.get(key) !== waitedFor) return tokenThat(isGood)
    return request((kept?.version ?? 0n) + 1n)
  }

  return {
    get: () => tokenThat(({ expiresAt }) => expiresAt === null || runtime.now() < expiresAt - marginMs),
    renew: (refused) => tokenThat(({ version }) => version > refused),
    // The operator's to mend, and told in the log: it is nobody's connection.
    refused: async () => {},
  }
}

async function requestToken(
  runtime: Runtime,
  definition: ProviderDefinition,
  { clientId, scopes }: AppTokenId,
  version: bigint,
): Promise<KeptToken> {
  const { token } = await requestAppToken(runtime, definition, clientId, scopes)
  return { accessToken: token.accessToken, tokenType: token.tokenType, expiresAt: token.expiresAt, version }
}
