import { PatchbayError } from '../../src/shared/errors.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import type { Cursor, FileItem, FileStream, FolderItem, Page, StreamContext, TargetPage } from '../../src/shared/sync/stream.ts'

interface StoredFolder extends FolderItem {
  /** Null: not below the root, or not worked out yet. */
  path: string | null
}

interface StoredFile extends FileItem {
  path: string
}

/**
 * What the sync engine and `patchbay.merge_page` do with the pages of a stream, in memory. Paths are stored, and change only where
 * they do in SQL, so that a page which should have asked for new paths and did not is found out.
 */
export class EngineDouble {
  readonly folders = new Map<string, StoredFolder>()
  readonly files = new Map<string, StoredFile>()
  cursor: Cursor | null = null
  /** Requests the next page before this one is stored, wherever the stream allows it. */
  readsAhead = false
  private seen = new Set<string>()
  private gone = new Set<string>()
  private readonly stream: FileStream
  private readonly api: ProviderApi
  private readonly config: unknown
  pageSize: number

  constructor(stream: FileStream, api: ProviderApi, config: unknown, pageSize = 1000) {
    this.stream = stream
    this.api = api
    this.config = config
    this.pageSize = pageSize
  }

  /** One sync run, to the end of the pass or the change feed. `afterPage` may change the provider's files in between. */
  async run(afterPage: (page: Page) => Promise<void> = async () => {}): Promise<Page[]> {
    const pages: Page[] = []
    let ahead: Page | undefined
    for (;;) {
      const page = ahead ?? (await this.fetchOrBeginAgain())
      // As early as can be: before anything of this page is stored.
      ahead = this.readsAhead && page.more && this.stream.canPrefetch(page) ? await this.fetch(page.next) : undefined
      this.merge(page)
      pages.push(page)
      await afterPage(page)
      if (!page.more) return pages
    }
  }

  /** Paths of all stored files, sorted. */
  paths(): string[] {
    return [...this.files.values()].map((file) => file.path).toSorted()
  }

  private async fetchOrBeginAgain(): Promise<Page> {
    return this.fetch(this.cursor).catch((error: unknown) => {
      if (!(error instanceof PatchbayError && error.code === 'cursor_expired') || this.cursor === null) throw error
      this.cursor = null
      return this.fetch(null)
    })
  }

  /** What a run does with the items that webhooks named. */
  async runTargets(ids: readonly string[]): Promise<TargetPage> {
    if (!this.stream.fetchTargets) throw new Error('The stream fetches no single items.')
    const page = await this.stream.fetchTargets(this.context(), ids)
    for (const folder of page.folders) this.mergeFolder(folder, 'cursor')
    for (const file of page.files) this.mergeFile(file, null)
    for (const item of [...page.folders, ...page.files]) this.seen.add(item.id)
    for (const id of page.removed) this.files.delete(id)
    return page
  }

  private async fetch(cursor: Cursor | null): Promise<Page> {
    return this.stream.fetchPage(this.context(), cursor)
  }

  private context(): StreamContext {
    const unlistedFolders = async (limit: number) =>
      [...this.folders.values()]
        .filter((folder) => !folder.listed && folder.path !== null)
        .map((folder) => folder.id)
        .toSorted()
        .slice(0, limit)
    const knownFolders = async (ids: readonly string[]) => new Set(ids.filter((id) => this.folders.has(id)))
    const { api, config, pageSize } = this
    return { api, config, pageSize, unlistedFolders, knownFolders }
  }

  private merge(page: Page): void {
    if (this.cursor === null) this.beginPass(page)
    for (const folder of page.folders) this.mergeFolder(folder, page.frontier)
    this.removeFolders(page.removed)
    for (const id of page.removed) this.gone.add(id)
    if (page.rebuildPaths) this.rebuildPaths(page.orphanPath)
    for (const id of page.listed) {
      const folder = this.folders.get(id)
      if (folder) folder.listed = true
    }
    for (const file of page.files) this.mergeFile(file, page.orphanPath)
    for (const item of [...page.folders, ...page.files]) this.seen.add(item.id)
    if (!page.more) this.endPass(page.pass)
    // As it comes back from the database.
    this.cursor = JSON.parse(JSON.stringify(page.next)) as Cursor | null
  }

  private beginPass(page: Page): void {
    this.seen = new Set()
    this.gone = new Set()
    if (page.orphanPath !== null || page.frontier === 'cursor') return
    for (const folder of this.folders.values()) {
      folder.listed = false
      folder.path = folder.root === true ? '' : null
    }
  }

  private mergeFolder(folder: FolderItem, frontier: Page['frontier']): void {
    const known = this.folders.get(folder.id)
    const above = folder.parent === null ? undefined : this.folders.get(folder.parent)?.path
    const path = folder.root === true ? '' : above === undefined || above === null ? null : `${above}/${folder.name}`
    const listed = folder.listed || (known !== undefined && known.listed && known.path !== null)
    // A known path stays until all paths are worked out again: the files in the folder still have it. A walk from the top down needs none
    // of that, as long as it keeps its promise.
    if (frontier === 'cursor' && path === null) throw new Error(`The folder ${folder.id} came before the one that it is in.`)
    this.folders.set(folder.id, { ...folder, listed, path: frontier === 'cursor' ? path : (known?.path ?? path) })
  }

  private mergeFile(file: FileItem, orphanPath: string | null): void {
    const folder = (file.parent === null ? undefined : this.folders.get(file.parent)?.path) ?? orphanPath
    if (folder === null) {
      this.gone.add(file.id)
      return
    }
    this.gone.delete(file.id)
    this.files.set(file.id, { ...file, path: `${folder}/${file.name}` })
  }

  /** With all that is below them. */
  private removeFolders(ids: Iterable<string>): void {
    for (const id of ids) {
      if (!this.folders.delete(id)) continue
      for (const file of this.files.values()) if (file.parent === id) this.gone.add(file.id)
      this.removeFolders([...this.folders.values()].filter((folder) => folder.parent === id).map((folder) => folder.id))
    }
  }

  private rebuildPaths(orphanPath: string | null): void {
    const pathOf = (folder: StoredFolder): string | null => {
      if (folder.root === true) return ''
      const parent = folder.parent === null ? undefined : this.folders.get(folder.parent)
      const above = parent ? pathOf(parent) : orphanPath
      return above === null ? null : `${above}/${folder.name}`
    }
    const moved = new Set<string>()
    for (const folder of this.folders.values()) {
      const path = pathOf(folder)
      if (path !== folder.path) moved.add(folder.id)
      folder.path = path
    }
    for (const file of this.files.values()) {
      const path = file.parent !== null && moved.has(file.parent) ? this.folders.get(file.parent)?.path : undefined
      if (path !== undefined && path !== null) file.path = `${path}/${file.name}`
    }
    this.removeFolders([...this.folders.values()].filter((folder) => folder.path === null).map((folder) => folder.id))
  }

  private endPass(pass: Page['pass']): void {
    const ends = (id: string) => (pass === 'full' ? !this.seen.has(id) : this.gone.has(id))
    for (const id of this.files.keys()) if (ends(id)) this.files.delete(id)
    if (pass === 'full') for (const id of this.folders.keys()) if (ends(id)) this.folders.delete(id)
    this.seen = new Set()
    this.gone = new Set()
  }
}
