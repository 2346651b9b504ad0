import { z } from 'zod'
import { FaultState, RequestEntry, RequestStats, type FaultRuleInput } from './admin-contract.ts'
import {
  CreatedFiles,
  DriveEntry,
  RevokedGrants,
  TokenStats,
  type DriveMembership,
  type FileShare,
  type FileUpdate,
  type NewFile,
  type NewFiles,
  type NewFolder,
} from './google/admin-contract.ts'
import { ServiceAccountFile } from './google/oauth/service-account-key.ts'

/** The admin API of a running sandbox. Every call throws when the sandbox refuses it or cannot be reached. */
export type SandboxClient = ReturnType<typeof sandboxClient>

/** `url` is the sandbox's own, as `startSandbox` returns it. */
export function sandboxClient(url: string) {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${url}/_sandbox${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`The sandbox refused ${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }

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

    google: {
      serviceAccount: async () => ServiceAccountFile.parse(await call('GET', '/google/service-account.json')),
      tokenStats: async () => TokenStats.parse(await call('GET', '/google/token-stats')),
      /** For tokens that are issued from now on. */
      setAccessTokenLifetime: async (accessTokenSeconds: number) =>
        void (await call('POST', '/google/tokens', { accessTokenSeconds })),
      expireAccessTokens: async () => void (await call('POST', '/google/expire-access-tokens')),
      /** The user withdraws all consents at Google. Returns how many there were. */
      revokeGrant: async (account: string) =>
        RevokedGrants.parse(await call('POST', '/google/revoke-grant', { account })).revoked,
      /** What the account can really read; by default the one with the files from disk. */
      files: async (account = 'pat@example.com') =>
        z.array(DriveEntry).parse(await call('GET', `/google/files?account=${encodeURIComponent(account)}`)),
      createFile: async (file: NewFile) => DriveEntry.parse(await call('POST', '/google/files', file)),
      /** Returns the new ids. */
      createFiles: async (files: NewFiles) => CreatedFiles.parse(await call('POST', '/google/files/bulk', files)).ids,
      createFolder: async (folder: NewFolder) => DriveEntry.parse(await call('POST', '/google/files/folder', folder)),
      updateFile: async (update: FileUpdate) => DriveEntry.parse(await call('POST', '/google/files/update', update)),
      /** For good: it does not go through the trash. */
      deleteFile: async (id: string) => void (await call('POST', '/google/files/delete', { id })),
      shareFile: async (share: FileShare) => void (await call('POST', '/google/files/share', share)),
      setDriveMember: async (membership: DriveMembership) => void (await call('POST', '/google/drives/members', membership)),
    },
  }
}
