import type { drive_v3 } from '@googleapis/drive'
import { timestamp } from '../../clock.ts'
import type { Account } from '../accounts.ts'
import { missingParameter } from '../api-error.ts'
import type { DriveFile, SharedDrive } from './drive-file.ts'
import { innerMask, parseFieldMask, project, selects, type FieldMask } from './field-mask.ts'
import { FileRenderer } from './file-resource.ts'
import type { FeedEntry } from './list-changes.ts'
import type { Parameters } from './parameters.ts'
import { defaultFields, schemas } from './resource-schemas.ts'

const rememberedMasks = 64
const rememberedRenderers = 8

/** Writes the answers, cut down to the `fields` of the request. Masks and rendered files are kept for the next request. */
export class Responder {
  readonly #masks = new Map<string, FieldMask>()
  readonly #renderers = new Map<string, FileRenderer>()

  /** The mask of a request. Throws ApiError for a field that the answer does not have. */
  mask(kind: keyof typeof schemas, parameters: Parameters): FieldMask {
    const text = parameters['fields'] ?? defaultFields[kind]
    return remember(this.#masks, `${kind} ${text}`, rememberedMasks, () => parseFieldMask(text, schemas[kind]))
  }

  /** The same, for a method that insists on `fields`. */
  requiredMask(kind: keyof typeof schemas, parameters: Parameters): FieldMask {
    if (parameters['fields'] === undefined) throw missingParameter('fields')
    return this.mask(kind, parameters)
  }

  plain(resource: object, mask: FieldMask): Response {
    return json(JSON.stringify(project(resource, mask)))
  }

  file(file: DriveFile, viewer: Account, mask: FieldMask): Response {
    return json(this.#renderer(viewer, mask).json(file))
  }

  fileList(files: readonly DriveFile[], nextPageToken: string | undefined, viewer: Account, mask: FieldMask): Response {
    const rest = {
      kind: 'drive#fileList',
      ...(nextPageToken !== undefined && { nextPageToken }),
      incompleteSearch: false,
    } satisfies drive_v3.Schema$FileList
    if (!selects(mask, 'files')) return this.plain(rest, mask)
    const renderer = this.#renderer(viewer, innerMask(mask, 'files'))
    return json(
      withList(
        project(rest, mask),
        'files',
        files.map((file) => renderer.json(file)),
      ),
    )
  }

  changeList(entries: readonly FeedEntry[], tokens: drive_v3.Schema$ChangeList, viewer: Account, mask: FieldMask): Response {
    const rest = { kind: 'drive#changeList', ...tokens } satisfies drive_v3.Schema$ChangeList
    if (!selects(mask, 'changes')) return this.plain(rest, mask)
    const inner = innerMask(mask, 'changes')
    return json(
      withList(
        project(rest, mask),
        'changes',
        entries.map((entry) => this.#change(entry, viewer, inner)),
      ),
    )
  }

  #change(entry: FeedEntry, viewer: Account, mask: FieldMask | null): string {
    const { change, removed } = entry
    const common = {
      kind: 'drive#change',
      changeType: entry.kind,
      time: timestamp(change.time),
      removed,
    } satisfies drive_v3.Schema$Change
    if (entry.kind === 'drive') {
      const drive = entry.drive === null ? {} : { drive: driveResource(entry.drive) }
      return JSON.stringify(project({ ...common, driveId: entry.change.driveId, ...drive }, mask))
    }
    const text = JSON.stringify(project({ ...common, fileId: entry.change.fileId }, mask))
    if (entry.file === null || !selects(mask, 'file')) return text
    return withMember(text, 'file', this.#renderer(viewer, innerMask(mask, 'file')).json(entry.file))
  }

  #renderer(viewer: Account, mask: FieldMask | null): FileRenderer {
    const key = `${viewer.email} ${JSON.stringify(mask, maskJson)}`
    return remember(this.#renderers, key, rememberedRenderers, () => new FileRenderer(viewer, mask))
  }
}

/** A shared drive as the API shows it. */
export function driveResource({ id, name, created }: SharedDrive): drive_v3.Schema$Drive {
  return { kind: 'drive#drive', id, name, createdTime: timestamp(created), hidden: false }
}

function json(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json; charset=UTF-8' } })
}

function withList(rest: unknown, name: string, items: readonly string[]): string {
  return withMember(JSON.stringify(rest), name, `[${items.join(',')}]`)
}

// Adds a member that is JSON already to an object that is JSON already.
function withMember(object: string, name: string, value: string): string {
  return `${object.slice(0, -1)}${object === '{}' ? '' : ','}"${name}":${value}}`
}

function maskJson(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value
}

function remember<T>(known: Map<string, T>, key: string, capacity: number, make: () => T): T {
  const value = known.get(key) ?? make()
  // The most recently used is the last: the first goes when there are too many.
  known.delete(key)
  known.set(key, value)
  const [oldest] = known.keys()
  if (known.size > capacity && oldest !== undefined) known.delete(oldest)
  return value
}
