import type { ProviderApi } from '../http/provider-api.ts'

/** JSON that a stream writes for itself: where the next request goes on. Stored as it is, read by nobody else. */
export type Cursor = { readonly [key: string]: unknown }

/** A file as the provider has it. Times are ISO 8601, sizes bytes. */
export interface FileItem {
  id: string
  /** The folder it is in; null when the account sees no parent. */
  parent: string | null
  name: string
  link: string
  size: number | null
  mime: string | null
  created: string | null
  updated: string | null
  metadata: Record<string, unknown>
}

export interface FolderItem {
  id: string
  parent: string | null
  name: string
  /** The endpoint's own root: its path is empty, whatever its name. */
  root?: boolean
  /** False: its contents are still to be listed. */
  listed: boolean
}

/** One answer of the provider, in our words, and where to go on. */
export interface Page {
  /** `full`: part of a walk over everything, whose end deletes what was not seen. `changes`: part of the change feed. */
  pass: 'full' | 'changes'
  folders: FolderItem[]
  files: FileItem[]
  /** Ids of files and folders that are gone, or no longer covered. */
  removed: string[]
  /** Folders whose contents are now listed to the end. */
  listed: string[]
  /** Folder paths have to be worked out again from the root down, after this page. */
  rebuildPaths: boolean
  /**
   * Where a walk keeps what is still to be listed. `folders`: in the rows of the folders (`listed`), and paths are worked out by
   * `rebuildPaths`. `cursor`: in the cursor; a folder is then always found after the one that it is in, and paths follow at once.
   */
  frontier: 'folders' | 'cursor'
  /** Path of what has no visible parent; null where such files are outside the endpoint. */
  orphanPath: string | null
  /** Null, on a last page only: the next run begins a full pass. */
  next: Cursor | null
  /** False: this was the last page, and `next` is where the next run begins. */
  more: boolean
}

/** What a stream may use. Every request goes through `api`. */
export interface StreamContext {
  api: ProviderApi
  /** `endpoints.endpoint_config`, not yet validated. */
  config: unknown
  /** How many items a page may have at most. */
  pageSize: number
  /** Ids of folders whose contents are still to be listed, once the pages before are stored. */
  unlistedFolders: (limit: number) => Promise<string[]>
  /** Which of these folders are known to be within the endpoint. */
  knownFolders: (ids: readonly string[]) => Promise<Set<string>>
}

/** What single items are now, whatever the position of the walk. */
export interface TargetPage {
  /** Folders that were not known, an outer one before what is in it. */
  folders: FolderItem[]
  files: FileItem[]
  /** Ids of items that are gone, or no longer covered. */
  removed: string[]
}

/** Reads the files of one kind of endpoint. */
export interface FileStream {
  kind: 'files'
  /** Scopes that the token must have; the run fails with `missing_scope` otherwise. Any one of them is enough. */
  scopes: readonly string[]
  /** True when `next` of a full pass's last page reads what has changed since the pass began. */
  hasChangeFeed: boolean
  /**
   * Fetches one page. `cursor` is null at the beginning of a full pass, else the `next` of the page before.
   * Throws `cursor_expired` when the provider no longer accepts the cursor: the engine then begins a full pass.
   */
  fetchPage: (context: StreamContext, cursor: Cursor | null) => Promise<Page>
  /**
   * True when the page after `page` can be requested before `page` is stored. False where the next request depends on it,
   * as with `unlistedFolders`.
   */
  canPrefetch: (page: Page) => boolean
  /** Where the values of `endpoint_config` are chosen from: a field of it, and the provider's list that has its values. */
  choices?: readonly { field: string; list: string; required: boolean }[]
  /** Reads single items that a webhook named, `targetsAtOnce` at most. Absent where a webhook only says that the change feed has moved. */
  fetchTargets?: (context: StreamContext, ids: readonly string[]) => Promise<TargetPage>
  /** How the provider tells of changes. Absent: the schedule alone does. */
  webhooks?: WebhookDefinition
}

/** How many items one call of `fetchTargets` is asked for. */
export const targetsAtOnce = 50

/**
 * A provider's webhooks, for one endpoint. Each hook has a row in `patchbay.webhooks`, a secret and a callback address of its own; it is
 * replaced before it expires, and stopped when its endpoint goes (src/shared/webhooks).
 */
export interface WebhookDefinition {
  /** Whose token the provider wants to see: the account's, or the app's own, by its client credentials, with these scopes. */
  as: 'account' | { app: readonly string[] }
  /** How long a hook lasts, in milliseconds; the provider may grant less. */
  lifetimeMs: number
  /**
   * The hooks that the endpoint needs, on what the account can read: `api` sends with the account's token, whatever `as` names. `key` tells
   * them apart; `params` is what `create` gets back.
   */
  plan: (context: WebhookContext) => Promise<readonly HookPlan[]>
  create: (context: WebhookContext, order: HookOrder) => Promise<CreatedHook>
  /** Stops a hook. One that the provider no longer knows is stopped already: throws `provider_not_found`. */
  remove: (context: WebhookContext, hook: { id: string; params: Json; external: Json }) => Promise<void>
  /** Reads a delivery; null when it does not prove itself with the hook's secret. Throws for one that cannot be read. */
  read: (delivery: Delivery, hook: { id: string; secret: string; external: Json }) => Promise<WebhookEvent | null>
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** `api` sends with the token that `as` names. */
export interface WebhookContext {
  api: ProviderApi
  /** `endpoints.endpoint_config`, not yet validated. */
  config: unknown
  now: () => number
}

export interface HookPlan {
  key: string
  params: Json
}

export interface HookOrder extends HookPlan {
  /** A UUID of ours. */
  id: string
  callbackUrl: string
  /** Random; what a delivery proves itself with. */
  secret: string
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface CreatedHook {
  /** What the provider needs to know it by. */
  external: Json
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface Delivery {
  headers: Headers
  /** As it came, for a signature over it. */
  body: string
}

export interface WebhookEvent {
  /** The same for the same event, however often it is delivered to this hook. */
  key: string
  /** The provider's name for it, for the inbox. */
  type: string
  /** `nothing`: a greeting. `changes`: the change feed has moved. Else the items to look at. */
  about: 'nothing' | 'changes' | { targets: readonly string[] }
}
