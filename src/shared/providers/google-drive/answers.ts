import { z } from 'zod'

// Answers of https://developers.google.com/workspace/drive/api/reference/rest/v3, and the `fields` that ask for no more than is read.
// No transforms and no unions inside a file: a page has 1,000 of them, and an Edge Function 2 s of CPU.

export type DriveFile = z.infer<typeof DriveFile>
const DriveFile = z.object({
  id: z.string(),
  name: z.string(),
  mimeType: z.string(),
  /** One, or none for what is shared with the account and not placed in its Drive. */
  parents: z.array(z.string()).optional(),
  driveId: z.string().optional(),
  trashed: z.boolean().optional(),
  /** Bytes, as decimal digits; absent for shortcuts and some Google-native files. */
  size: z.string().regex(/^\d+$/).optional(),
  createdTime: z.iso.datetime({ offset: true }).optional(),
  modifiedTime: z.iso.datetime({ offset: true }).optional(),
  webViewLink: z.string().optional(),
  md5Checksum: z.string().optional(),
  shortcutDetails: z.object({ targetId: z.string().optional(), targetMimeType: z.string().optional() }).optional(),
})

const fileFields =
  'id,name,mimeType,parents,driveId,size,createdTime,modifiedTime,webViewLink,md5Checksum,shortcutDetails(targetId,targetMimeType)'

/** GET /files/{id} of a folder. */
export const RootFolder = z.object({
  id: z.string(),
  name: z.string(),
  mimeType: z.string(),
  driveId: z.string().optional(),
  trashed: z.boolean().optional(),
})
export const rootFolderFields = 'id,name,mimeType,driveId,trashed'

/**
 * GET /files. `kind` is asked for and demanded, so that an answer which happens to be {} is not taken for the end of the list: what a
 * pass has not seen is deleted.
 */
export const FileList = z.object({
  kind: z.literal('drive#fileList'),
  incompleteSearch: z.boolean().optional(),
  nextPageToken: z.string().optional(),
  files: z.array(DriveFile).default([]),
})
export const fileListFields = `kind,incompleteSearch,nextPageToken,files(${fileFields})`
export const folderListFields = 'kind,incompleteSearch,nextPageToken,files(id,name,mimeType,parents)'

/** GET /changes/startPageToken */
export const StartPageToken = z.object({ startPageToken: z.string() })

/** POST /changes/watch. `expiration` is in milliseconds since the epoch, as decimal digits. */
export const Channel = z.object({ resourceId: z.string(), expiration: z.string().regex(/^\d+$/) })
export const channelFields = 'resourceId,expiration'

/** GET /changes */
export const ChangeList = z.object({
  nextPageToken: z.string().optional(),
  newStartPageToken: z.string().optional(),
  changes: z
    .array(
      z.object({
        changeType: z.string().optional(),
        removed: z.boolean().optional(),
        fileId: z.string().optional(),
        driveId: z.string().optional(),
        file: DriveFile.optional(),
      }),
    )
    .default([]),
})
export type Change = z.infer<typeof ChangeList>['changes'][number]
export const changeListFields = `nextPageToken,newStartPageToken,changes(changeType,removed,fileId,driveId,file(${fileFields},trashed))`
