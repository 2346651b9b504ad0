import { z } from 'zod'
import { adminCall, type AdminCall } from './admin-call.ts'
import {
  FaultState,
  GrantCount,
  RequestEntry,
  RequestStats,
  SandboxAccount,
  TokenStats,
  type FaultRuleInput,
  type TokenSettings,
} from './admin-contract.ts'

/** The admin API of a running sandbox. Every call throws when the sandbox refuses it or cannot be reached. */
export type SandboxClient = ReturnType<typeof sandboxClient>

/** The generic control of one provider. */
export type SandboxControlClient = ReturnType<SandboxClient['control']>

/** `url` is the sandbox's own, as `startSandbox` returns it. What only one company can be told is in the client of its folder. */
export function sandboxClient(url: string) {
  const call = adminCall(url)
  return {
    /** The requests that providers got since the start or the last clearing, oldest first. */
    requests: async () => z.array(RequestEntry).parse(await call('GET', '/requests')),
    /** Empties the request log and sets the counters to zero. */
    clearRequests: async () => void (await call('DELETE', '/requests')),
    stats: async () => RequestStats.parse(await call('GET', '/stats')),
    addFault: async (rule: FaultRuleInput) => void (await call('POST', '/faults', rule)),
    faults: async () => z.array(FaultState).parse(await call('GET', '/faults')),
    clearFaults: async () => void (await call('DELETE', '/faults')),
    /** How many seconds the provider's clock is ahead of this machine's; negative: behind. */
    setClockSkew: async (skewSeconds: number) => void (await call('POST', '/clock', { skewSeconds })),
    /** The providers that are simulated, by Patchbay's ids. */
    providers: async () => z.array(z.string()).parse(await call('GET', '/control')),
    /** The generic control of a provider: see `SandboxControl`. Its calls throw when the sandbox has no such provider. */
    control: (providerId: string) => controlClient(call, `/control/${encodeURIComponent(providerId)}`),
  }
}

function controlClient(call: AdminCall, base: string) {
  return {
    /** Who can sign in on the consent page; the default first. */
    accounts: async () => z.array(SandboxAccount).parse(await call('GET', `${base}/accounts`)),
    tokenStats: async () => TokenStats.parse(await call('GET', `${base}/token-stats`)),
    /** For tokens that are issued from now on. */
    configure: async (settings: TokenSettings) => void (await call('POST', `${base}/configure`, settings)),
    expireAccessTokens: async () => void (await call('POST', `${base}/expire-access-tokens`)),
    /** The user ends every connection at the provider. Returns how many were in force. */
    revokeGrants: async (account: string) => GrantCount.parse(await call('POST', `${base}/revoke-grants`, { account })).grants,
    /** How many grants of the account are in force. */
    liveGrants: async (account: string) =>
      GrantCount.parse(await call('GET', `${base}/live-grants?account=${encodeURIComponent(account)}`)).grants,
    /** Makes every list that the account has to choose from at least that long. */
    fill: async (account: string, count: number) => void (await call('POST', `${base}/fill`, { account, count })),
    /** Every secret issued since the start. */
    tokens: async () => z.array(z.string()).parse(await call('GET', `${base}/tokens`)),
  }
}
