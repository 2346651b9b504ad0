import { z } from 'zod'

export const DriveEntry = z.object({
  id: z.string(),
  name: z.string(),
  mimeType: z.string(),
  /** Bytes; null where Drive has none, as for folders. */
  size: z.number().nullable(),
  /**
   * From the account's point of view: `/a/b.txt` in My Drive, `/Shared drives/Ops/b.txt`, and `/Shared with me/b.txt` for what has
   * no visible parent. Names are joined as they are, slashes included.
   */
  path: z.string(),
  parentId: z.string().nullable(),
  /** Null outside shared drives. */
  driveId: z.string().nullable(),
  trashed: z.boolean(),
  isFolder: z.boolean(),
  /** RFC 3339. */
  modifiedTime: z.string(),
})
/** A file or folder as it really is, without a page, a mask or a fault in between. */
export type DriveEntry = z.output<typeof DriveEntry>

// Where something new goes: a folder's id, or its path in the account's My Drive; the root by default.
const place = {
  account: z.string().optional(),
  parentId: z.string().optional(),
  parentPath: z.string().optional(),
}
export const NewFolder = z.object({ ...place, name: z.string() })
export const NewFile = z.object({
  ...place,
  name: z.string(),
  mimeType: z.string().optional(),
  /** Bytes. */
  size: z.number().int().nonnegative().optional(),
})
export const NewFiles = z.object({
  ...place,
  count: z.number().int().positive(),
  /** The names are `<prefix>1.txt`, `<prefix>2.txt`, … */
  prefix: z.string(),
})
export const FileUpdate = z.object({
  id: z.string(),
  name: z.string().optional(),
  parentId: z.string().optional(),
  trashed: z.boolean().optional(),
  /** New content of that many bytes. */
  size: z.number().int().nonnegative().optional(),
})
export const FileDeletion = z.object({ id: z.string() })
/** Whether `account` may read the file or folder. */
export const FileShare = z.object({ id: z.string(), account: z.string(), shared: z.boolean() })
/** Whether `account` is a member of the shared drive. */
export const DriveMembership = z.object({ driveId: z.string(), account: z.string(), member: z.boolean() })

export const LiveChannels = z.object({ live: z.number() })
export const CreatedFiles = z.object({ ids: z.array(z.string()) })

export type NewFolder = z.input<typeof NewFolder>
export type NewFile = z.input<typeof NewFile>
export type NewFiles = z.input<typeof NewFiles>
export type FileUpdate = z.input<typeof FileUpdate>
export type FileShare = z.input<typeof FileShare>
export type DriveMembership = z.input<typeof DriveMembership>
