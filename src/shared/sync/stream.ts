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
  /** Path of what has no visible parent; null where such files are outside the endpoint. */
  orphanPath: string | null
  next: Cursor
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
}
