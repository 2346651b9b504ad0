import { z } from 'zod'
import { adminCall, type AdminCall } from './admin-call.ts'
import {
  DeliveryEntry,
  FaultState,
  GrantCount,
  NewIds,
  RequestEntry,
  RequestStats,
  SandboxAccount,
  SandboxFile,
  TokenStats,
  Tree,
  type FaultRuleInput,
  type RateLimit,
  type NewSandboxFile,
  type TokenSettings,
} from './admin-contract.ts'

/** The admin API of a running sandbox. Every call throws when the sandbox refuses it or cannot be reached. */
export type SandboxClient = ReturnType<typeof sandboxClient>

/** The generic control of one provider. */
export type SandboxControlClient = ReturnType<SandboxClient['control']>

/** The control of the files of one endpoint type. */
export type SandboxFilesClient = ReturnType<SandboxClient['files']>

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
    /** How many requests a host allows from now on; more are answered as the provider answers them. */
    limit: async (limit: RateLimit) => void (await call('POST', '/limits', limit)),
    /** All hosts allow any number again. */
    clearLimits: async () => void (await call('DELETE', '/limits')),
    /** How many seconds the provider's clock is ahead of this machine's; negative: behind. */
    setClockSkew: async (skewSeconds: number) => void (await call('POST', '/clock', { skewSeconds })),
    /** The providers that are simulated, by Patchbay's ids. */
    providers: async () => z.array(z.string()).parse(await call('GET', '/control')),
    /** The generic control of a provider: see `SandboxControl`. Its calls throw when the sandbox has no such provider. */
    control: (providerId: string) => controlClient(call, `/control/${encodeURIComponent(providerId)}`),
    /** The endpoint types whose files can be steered, by Patchbay's names. */
    fileTypes: async () => z.array(z.string()).parse(await call('GET', '/files')),
    /** The files of an endpoint type: see `SandboxFileControl`. Its calls throw when the sandbox has no files of that type. */
    files: (endpointType: string) => filesClient(call, `/files/${encodeURIComponent(endpointType)}`),
    /** The notifications that providers have sent, or try to send. */
    deliveries: {
      /** Oldest first. */
      list: async () => z.array(DeliveryEntry).parse(await call('GET', '/deliveries')),
      /** How often each is sent from now on: 1, as usual; 2: as by a provider that repeats itself; 0: all are lost. */
      setCopies: async (copies: number) => void (await call('POST', '/deliveries/copies', { copies })),
      /** Sends the latest one again, byte for byte. */
      replay: async () => void (await call('POST', '/deliveries/replay')),
      /** Returns when nothing waits to be sent, or sent again, and all is answered. */
      settled: async () => void (await call('POST', '/deliveries/settle')),
    },
  }
}

function filesClient(call: AdminCall, base: string) {
  return {
    /** Makes an empty tree that the account can read. */
    createTree: async (account: string, name: string) => Tree.parse(await call('POST', `${base}/trees`, { account, name })),
    /** Returns the ids, in order. */
    addFolders: async (parentId: string, names: readonly string[]) =>
      NewIds.parse(await call('POST', `${base}/folders`, { parentId, names })).ids,
    /** Returns the ids, in order. */
    addFiles: async (parentId: string, files: readonly NewSandboxFile[]) =>
      NewIds.parse(await call('POST', `${base}/files`, { parentId, files })).ids,
    rename: async (id: string, name: string) => void (await call('POST', `${base}/rename`, { id, name })),
    move: async (id: string, parentId: string) => void (await call('POST', `${base}/move`, { id, parentId })),
    /** Into the trash, or what the provider has instead. */
    trash: async (id: string) => void (await call('POST', `${base}/trash`, { id })),
    restore: async (id: string) => void (await call('POST', `${base}/restore`, { id })),
    /** For good, or as good as the provider lets a person do it. */
    remove: async (id: string) => void (await call('POST', `${base}/remove`, { id })),
    /** Whether the account of the tree may still see a file or folder and what is below it. */
    setVisible: async (id: string, visible: boolean) => void (await call('POST', `${base}/visible`, { id, visible })),
    /** The files below a folder that the account can see and that are not in the trash. */
    list: async (rootId: string) =>
      z.array(SandboxFile).parse(await call('GET', `${base}/files?id=${encodeURIComponent(rootId)}`)),
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
