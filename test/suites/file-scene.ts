import type { Sql } from 'postgres'
import { expect } from 'vitest'
import type { NewSandboxFile, SandboxFile } from '../../src/sandbox/admin-contract.ts'
import type { SandboxFilesClient } from '../../src/sandbox/client.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { runSync, type RunOutcome } from '../../src/shared/sync/run-sync.ts'
import type { FileStream } from '../../src/shared/sync/stream.ts'
import { addEndpoint } from '../db/rows.ts'
import type { Scene } from './scene.ts'

/** One row of the matrix: something that must hold for every kind of endpoint. */
export interface FileScenario {
  name: string
  /** Why it does not apply, read off the stream; undefined: it does. */
  unless?: (stream: FileStream) => string | undefined
  /** Gives a reason when it turns out that it does not apply. */
  play: (place: FileScene) => Promise<string | void>
}

/** What runs have written down of themselves, added up. */
export interface Counts {
  inserted: number
  updated: number
  deleted: number
}

const nothing: Counts = { inserted: 0, updated: 0, deleted: 0 }

interface RunOptions {
  runtime?: Runtime
  /** How many pages each run may read. */
  pages?: number
}

/** A folder tree at the provider and the endpoint that syncs it. */
export interface Planted {
  folders: { plans: string; details: string; archive: string }
  /** By name, such as `a.pdf`. */
  files: Readonly<Record<string, string>>
}

/** Whose endpoints these are, and of which kind. */
interface Owned {
  userId: string
  integrationId: string
  endpointType: string
  stream: FileStream
}

const knownName = 'known.txt'
/** A run that comes back so often never ends. */
const mostRuns = 300

/** Someone who has connected the account, and an empty folder tree of theirs, with an endpoint on it once it `begin`s. */
export class FileScene {
  readonly scene: Scene
  readonly stream: FileStream
  readonly files: SandboxFilesClient
  /** The root folder's id at the provider. */
  readonly rootId: string
  readonly #owned: Owned
  readonly #config: object
  /** A file that is there from the start and stays as it is. */
  readonly #knownId: string
  /** What an endpoint puts before the paths of its tree, such as the tree's own name. */
  #prefix = ''
  #id = ''

  static async open(scene: Scene, endpointType: string, stream: FileStream): Promise<FileScene> {
    const { person, id: integrationId } = await scene.connected()
    return FileScene.#plant(scene, { userId: person.id, integrationId, endpointType, stream })
  }

  /** Another tree of the same account. */
  beside(): Promise<FileScene> {
    return FileScene.#plant(this.scene, this.#owned)
  }

  static async #plant(scene: Scene, owned: Owned): Promise<FileScene> {
    const files = scene.sandbox.files(owned.endpointType)
    const { name } = await scene.account()
    const { config, rootId } = await files.createTree(name, 'Tree')
    const knownId = only(await files.addFiles(rootId, [{ name: knownName }]))
    return new FileScene(scene, owned, { files, config, rootId, knownId })
  }

  private constructor(
    scene: Scene,
    owned: Owned,
    { files, config, rootId, knownId }: { files: SandboxFilesClient; config: object; rootId: string; knownId: string },
  ) {
    this.scene = scene
    this.stream = owned.stream
    this.files = files
    this.rootId = rootId
    this.#owned = owned
    this.#config = config
    this.#knownId = knownId
  }

  get sql(): Sql {
    return this.scene.stage.sql
  }

  get endpointId(): string {
    return this.#id
  }

  async addFolder(name: string, parentId = this.rootId): Promise<string> {
    return only(await this.files.addFolders(parentId, [name]))
  }

  async addFile(name: string, parentId = this.rootId): Promise<string> {
    return only(await this.files.addFiles(parentId, [{ name, size: 1 }]))
  }

  /** Files with names of no meaning; returns their ids. */
  addFiles(count: number, parentId = this.rootId): Promise<string[]> {
    return this.files.addFiles(parentId, newFiles(count))
  }

  /** `/Plans/a.pdf`, `/Plans/b.pdf`, `/Plans/Details/c.pdf`, `/Plans/Details/d.pdf`, `/Archive/e.pdf`, and the empty folder `/Plans/Empty`. */
  async plant(): Promise<Planted> {
    const [plans = '', archive = ''] = await this.files.addFolders(this.rootId, ['Plans', 'Archive'])
    const [details = ''] = await this.files.addFolders(plans, ['Details', 'Empty'])
    const files: Record<string, string> = {}
    for (const [parent, names] of [
      [plans, ['a.pdf', 'b.pdf']],
      [details, ['c.pdf', 'd.pdf']],
      [archive, ['e.pdf']],
    ] as const) {
      const ids = await this.files.addFiles(
        parent,
        names.map((name) => ({ name, size: 10 })),
      )
      for (const [index, name] of names.entries()) files[name] = ids[index] ?? ''
    }
    return { folders: { plans, details, archive }, files }
  }

  /** Adds the endpoint and syncs it to the end, after which its rows are what is at the provider. */
  async begin(columns: Record<string, unknown> = {}, options?: RunOptions): Promise<Counts> {
    await this.insertEndpoint(columns)
    const counts = await this.syncToEnd(options)
    await this.expectEqual()
    return counts
  }

  /** Adds the endpoint, which has not synced then. */
  async insertEndpoint(columns: Record<string, unknown> = {}): Promise<void> {
    const { userId, endpointType, integrationId } = this.#owned
    this.#id = await addEndpoint(this.sql, userId, {
      endpoint_type: endpointType,
      endpoint_config: this.#config,
      integration_id: integrationId,
      max_files_per_sync: null,
      ...columns,
    })
  }

  /** One run. */
  sync({ runtime = this.scene.runtime, pages = Number.POSITIVE_INFINITY }: RunOptions = {}): Promise<RunOutcome> {
    return runSync(runtime, this.#id, { deadline: Number.POSITIVE_INFINITY, pages })
  }

  /** Run after run, until there is nothing more to read. */
  async syncToEnd(options?: RunOptions): Promise<Counts> {
    const before = await this.logIds()
    for (let runs = 1; ; runs += 1) {
      const outcome = await this.sync(options)
      if (outcome === 'completed') return this.countsSince(before)
      if (outcome !== 'partial' || runs > mostRuns) throw new Error(`Run ${runs} ended as ${outcome}: ${await this.lastError()}`)
    }
  }

  /** Syncs to the end: the rows are then what is at the provider, and so many were written. Once more: none. */
  async expectFollowed(expected: Partial<Counts>, options?: RunOptions): Promise<void> {
    for (const counts of [{ ...nothing, ...expected }, nothing]) {
      expectCounts(await this.syncToEnd(options), counts)
      await this.expectEqual()
    }
  }

  /** The rows are what is at the provider. */
  async expectEqual(): Promise<void> {
    const [truth, rows] = await Promise.all([this.files.list(this.rootId), this.rows()])
    this.#learnPrefix(rows)
    expectSame(
      rows,
      truth.map((file) => ({ ...file, path: this.#prefix + file.path })),
    )
  }

  /** The endpoint's rows, in the sandbox's words. */
  async rows(): Promise<SandboxFile[]> {
    const rows = await this.sql<
      (Omit<SandboxFile, 'created' | 'modified' | 'size'> & { size: bigint | null; created: Date; modified: Date })[]
    >`
      select external_file_id as id, file_path as path, file_size as size, external_created_at as created,
        external_updated_at as modified
      from public.files where endpoint_id = ${this.#id}::uuid`
    return rows.map(({ size, created, modified, ...row }) => ({
      ...row,
      size: size === null ? null : Number(size),
      created: created.toISOString(),
      modified: modified.toISOString(),
    }))
  }

  async names(): Promise<string[]> {
    const rows = await this.sql<{ file_name: string }[]>`
      select file_name from public.files where endpoint_id = ${this.#id}::uuid`
    return rows.map(({ file_name: name }) => name).toSorted()
  }

  async rowCount(): Promise<number> {
    const [row] = await this.sql<[{ count: number }]>`
      select count(*)::int as count from public.files where endpoint_id = ${this.#id}::uuid`
    return row.count
  }

  /** Which version of which row there is, of files and folders: one that is written, even with what it had, is another version. */
  async rowVersions(): Promise<{ files: string[]; folders: string[] }> {
    const files = await this.sql<{ version: string }[]>`
      select concat(id, ' ', xmin, ' ', ctid) as version from public.files where endpoint_id = ${this.#id}::uuid order by id`
    const folders = await this.sql<{ version: string }[]>`
      select concat(external_folder_id, ' ', xmin, ' ', ctid) as version from patchbay.folders
      where endpoint_id = ${this.#id}::uuid order by external_folder_id`
    return { files: files.map(({ version }) => version), folders: folders.map(({ version }) => version) }
  }

  /** A column's new value. */
  async change(columns: Record<string, unknown>): Promise<void> {
    await this.sql`update public.endpoints set ${this.sql(columns as Record<string, string>)} where id = ${this.#id}::uuid`
  }

  /** As the owner asks for it, or the operator. */
  async call(name: 'resync_endpoint' | 'confirm_deletions'): Promise<void> {
    await this.sql`select ${this.sql('public')}.${this.sql(name)}(${this.#id}::uuid)`
  }

  async logIds(): Promise<string[]> {
    const rows = await this.sql<{ id: string }[]>`select id::text from public.sync_logs where endpoint_id = ${this.#id}::uuid`
    return rows.map(({ id }) => id)
  }

  async countsSince(logIds: readonly string[]): Promise<Counts> {
    const [counts] = await this.sql<[Counts]>`
      select coalesce(sum(inserted), 0)::int as inserted, coalesce(sum(updated), 0)::int as updated,
        coalesce(sum(deleted), 0)::int as deleted
      from public.sync_logs where endpoint_id = ${this.#id}::uuid
        and id::text not in (select jsonb_array_elements_text(${JSON.stringify(logIds)}::text::jsonb))`
    return counts
  }

  async lastError(): Promise<string | null> {
    const [row] = await this.sql<{ code: string | null }[]>`
      select last_error_code as code from public.endpoints where id = ${this.#id}::uuid`
    return row?.code ?? null
  }

  /** A runtime for which no pause is long. */
  impatient(): Runtime {
    const { runtime } = this.scene
    return { ...runtime, sleep: (ms) => runtime.sleep(Math.min(ms, 5)) }
  }

  #learnPrefix(rows: readonly SandboxFile[]): void {
    const known = rows.find(({ id }) => id === this.#knownId)
    if (known === undefined) return
    const end = `/${knownName}`
    if (!known.path.endsWith(end)) throw new Error(`The path of ${knownName} is ${known.path}.`)
    this.#prefix = known.path.slice(0, -end.length)
  }
}

function expectCounts(counts: Counts, expected: Counts): void {
  expect(counts).toEqual(expected)
}

function expectSame(rows: readonly SandboxFile[], truth: readonly SandboxFile[]): void {
  // As texts: to compare two lists of ten thousand objects takes minutes.
  const [stored, wanted] = [new Set(rows.map(toLine)), new Set(truth.map(toLine))]
  const wrong = [...stored.difference(wanted)]
  const missing = [...wanted.difference(stored)]
  expect({ wrong, missing, count: rows.length }).toEqual({ wrong: [], missing: [], count: truth.length })
}

/** Files of different sizes. */
export function newFiles(count: number): NewSandboxFile[] {
  return Array.from({ length: count }, (_, index) => ({ name: `file ${index}.txt`, size: index }))
}

function only([id, ...more]: readonly string[]): string {
  if (id === undefined || more.length > 0) throw new Error(`Not one, but ${id === undefined ? 0 : more.length + 1}.`)
  return id
}

function toLine({ id, path, size, created, modified }: SandboxFile): string {
  return JSON.stringify([id, path, size, Date.parse(created), Date.parse(modified)])
}
