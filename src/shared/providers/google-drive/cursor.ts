import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { Cursor } from '../../sync/stream.ts'

const corpus = {
  /** The shared drive that is read; null: My Drive and what is shared with the account. */
  driveId: z.string().nullable(),
  /** The endpoint's own root folder. */
  rootId: z.string(),
}

const DriveCursor = z.discriminatedUnion('at', [
  /** A full pass over an account or a shared drive: first all folders, then all files. */
  z.object({
    at: z.enum(['folders', 'files']),
    ...corpus,
    pageToken: z.string().nullable(),
    /** Where the change feed goes on after the pass. */
    feed: z.string(),
  }),
  /** Lists folders that are not listed yet, some at a time. */
  z.object({
    at: z.literal('tree'),
    ...corpus,
    pass: z.enum(['full', 'changes']),
    /** The folders that are being listed; none: ask for the next ones. */
    batch: z.array(z.string()),
    pageToken: z.string().nullable(),
    /** Folders of the batch in which nothing was found so far. */
    silent: z.array(z.string()),
    /** Folders that are to be listed again, each by itself. */
    alone: z.array(z.string()),
    feed: z.string(),
  }),
  z.object({
    at: z.literal('changes'),
    ...corpus,
    /** The change feed showed folders since the run began: their contents may have to be listed. */
    foldersChanged: z.boolean(),
    feed: z.string(),
  }),
])

/** Where the next request of the Google Drive stream goes on. */
export type DriveCursor = z.infer<typeof DriveCursor>
export type ListCursor = Extract<DriveCursor, { at: 'folders' | 'files' }>
export type TreeCursor = Extract<DriveCursor, { at: 'tree' }>
export type ChangesCursor = Extract<DriveCursor, { at: 'changes' }>

/** Throws `cursor_expired` for one that another version of Patchbay wrote: a full pass then begins. */
export function readCursor(cursor: Cursor): DriveCursor {
  const parsed = DriveCursor.safeParse(cursor)
  if (parsed.success) return parsed.data
  throw new PatchbayError('cursor_expired', 'The stored position in Google Drive cannot be read. Everything is read again.')
}

/** Begins to list folders; none: whichever are not listed yet. */
export function beginBatch(batch: string[]): Pick<TreeCursor, 'batch' | 'silent' | 'alone' | 'pageToken'> {
  return { batch, silent: batch, alone: [], pageToken: null }
}

/** Where the next run begins. */
export function beginChanges({ driveId, rootId, feed }: Pick<DriveCursor, 'driveId' | 'rootId' | 'feed'>): ChangesCursor {
  return { at: 'changes', driveId, rootId, feed, foldersChanged: false }
}
