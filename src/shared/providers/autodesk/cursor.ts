import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { Cursor } from '../../sync/stream.ts'

const WalkCursor = z.object({
  /** The project's account; null when a folder is read, which needs none. */
  hubId: z.string().nullable(),
  /** How many folders are listed at once. */
  width: z.int().min(1),
  /** Some folder could be listed: the account sees more than names. */
  listed: z.boolean(),
  /** What ids begin with, left out below. */
  prefix: z.string(),
  /** Folders that are still to be listed, the next one last; see `toEntry`. */
  stack: z.array(z.string()).min(1),
})

/** Where the walk goes on. */
export type WalkCursor = z.infer<typeof WalkCursor>

/** A folder that is to be listed, from an entry on. */
export interface Visit {
  id: string
  from: number
  /** The entry before `from`, which the page shows again, so that none in between is left out; empty where it is not known. */
  after: string
  /** The entry before was not found, and the listing has gone a page back: this time it goes on, so that it ends. */
  goneBack: boolean
  /** What the link to this page asks for besides its number and size, as a query; usually nothing. */
  query: string
}

/** Throws `cursor_expired` for one that another version of Patchbay wrote: a full pass then begins. */
export function readCursor(cursor: Cursor): WalkCursor {
  const parsed = WalkCursor.safeParse(cursor)
  if (parsed.success) return parsed.data
  throw new PatchbayError('cursor_expired', 'The stored position in Autodesk cannot be read. Everything is read again.')
}

/** Begins to list folders. */
export function beginWalk(hubId: string | null, folderIds: readonly string[]): WalkCursor {
  const first = folderIds[0] ?? ''
  // All ids of a project have the same beginning, and are a cursor's largest part.
  const prefix = first.slice(0, first.lastIndexOf('.') + 1)
  return { hubId, width: 1, listed: false, prefix, stack: folderIds.toReversed().map((id) => toEntry(beginVisit(id), prefix)) }
}

export function beginVisit(id: string): Visit {
  return { id, from: 0, after: '', goneBack: false, query: '' }
}

/** A visit as it stands in the stack, with what differs from a first page only. An id with another beginning stands there whole. */
export function toEntry({ id, from, after, goneBack, query }: Visit, prefix: string): string {
  const short = id.startsWith(prefix) ? `.${id.slice(prefix.length)}` : id
  return [short, from === 0 ? '' : from, after, query, goneBack ? 'back' : ''].join(' ').trimEnd()
}

export function toVisit(entry: string, prefix: string): Visit {
  const [id = '', from = '', after = '', query = '', goneBack = ''] = entry.split(' ')
  return { id: id.startsWith('.') ? prefix + id.slice(1) : id, from: Number(from), after, goneBack: goneBack !== '', query }
}
