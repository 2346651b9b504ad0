import { z } from 'zod'

const counter = z.object({ requests: z.number(), issued: z.number() })

/** Requests to the token endpoint by grant type: how many arrived, and how many were answered with a token. */
export const TokenStats = z.object({
  authorization_code: counter,
  refresh_token: counter,
  jwt_bearer: counter,
  other: counter,
})
export type TokenStats = z.output<typeof TokenStats>

/** Counters at zero. */
export function newTokenStats(): TokenStats {
  const zero = () => ({ requests: 0, issued: 0 })
  return { authorization_code: zero(), refresh_token: zero(), jwt_bearer: zero(), other: zero() }
}

/** How long new access tokens live; `expires_in` says the same. */
export const TokenSettings = z.object({ accessTokenSeconds: z.number().int().positive() })

export const AccountChoice = z.object({ account: z.string() })

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

export const CreatedFiles = z.object({ ids: z.array(z.string()) })
export const RevokedGrants = z.object({ revoked: z.number() })

export type NewFolder = z.input<typeof NewFolder>
export type NewFile = z.input<typeof NewFile>
export type NewFiles = z.input<typeof NewFiles>
export type FileUpdate = z.input<typeof FileUpdate>
export type FileShare = z.input<typeof FileShare>
export type DriveMembership = z.input<typeof DriveMembership>
