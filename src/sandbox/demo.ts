import type { ProviderId } from './provider.ts'

/** What the demo of `npm start` does with one provider: `src/sandbox/<company>/demo.ts` exports it as `createDemo`. */
export interface SandboxDemo {
  provider: ProviderId
  /** `endpoint_type` of the demo's endpoint: for the whole account, or for one project of it. */
  endpointType: string
  /** `endpoint_config` of that endpoint. */
  config(): Promise<Record<string, unknown>>
  /** Everything that the endpoint covers, as it really is. */
  files(): Promise<DemoEntry[]>
  /** The person adds a few files. What is returned then changes them, which must come to `expectedChanges`. */
  prepareChanges(): Promise<() => Promise<void>>
  expectedChanges: ExpectedChanges
}

/** What the runs that read the changes have to say of themselves. */
export interface ExpectedChanges {
  /** Null: whichever comes first, what webhooks name or a listing of everything. */
  pass: 'changes' | null
  /** Of one run; null where that depends on how many files there are. */
  requests: number | null
  inserted: number
  updated: number
  deleted: number
}

/** A file or folder. */
export interface DemoEntry {
  id: string
  path: string
  /** Bytes; null where the provider has none. */
  size: number | null
  isFolder: boolean
  trashed: boolean
  /** Null for what is the account's own, not a team's. */
  driveId: string | null
}

/** `sandboxUrl` is the sandbox's own, as `startSandbox` returns it. */
export type DemoFactory = (sandboxUrl: string) => SandboxDemo
