import type { FieldSchema } from './field-mask.ts'

// The fields that may be asked for, from the API's discovery document. Those that the sandbox has no value for stay absent, as they
// do at Google for most files.

const names = (list: string): Record<string, true> => Object.fromEntries(list.split(' ').map((name) => [name, true]))

const user = names('kind displayName me permissionId emailAddress photoLink')

export const fileSchema: FieldSchema = {
  ...names(
    'copyRequiresWriterPermission createdTime description driveId explicitlyTrashed fileExtension folderColorRgb ' +
      'fullFileExtension hasAugmentedPermissions hasThumbnail headRevisionId iconLink id inheritedPermissionsDisabled ' +
      'isAppAuthorized kind md5Checksum mimeType modifiedByMe modifiedByMeTime modifiedTime name originalFilename ownedByMe parents ' +
      'permissionIds quotaBytesUsed resourceKey sha1Checksum sha256Checksum shared sharedWithMeTime size spaces starred teamDriveId ' +
      'thumbnailLink thumbnailVersion trashed trashedTime version viewedByMe viewedByMeTime viewersCanCopyContent webContentLink ' +
      'webViewLink writersCanShare',
  ),
  appProperties: 'any',
  capabilities: 'any',
  clientEncryptionDetails: 'any',
  contentHints: 'any',
  contentRestrictions: 'any',
  downloadRestrictions: 'any',
  exportLinks: 'any',
  imageMediaMetadata: 'any',
  labelInfo: 'any',
  lastModifyingUser: user,
  linkShareMetadata: 'any',
  owners: user,
  permissions: 'any',
  properties: 'any',
  sharingUser: user,
  shortcutDetails: names('targetId targetMimeType targetResourceKey'),
  trashingUser: user,
  videoMediaMetadata: 'any',
}

const driveSchema: FieldSchema = {
  ...names('backgroundImageLink colorRgb createdTime hidden id kind name orgUnitId themeId'),
  backgroundImageFile: 'any',
  capabilities: 'any',
  restrictions: 'any',
}

const changeSchema: FieldSchema = {
  ...names('changeType driveId fileId kind removed teamDriveId time type'),
  drive: driveSchema,
  file: fileSchema,
  teamDrive: driveSchema,
}

/** By the kind of answer. */
export const schemas = {
  about: {
    ...names('appInstalled canCreateDrives canCreateTeamDrives folderColorPalette kind maxUploadSize'),
    driveThemes: 'any',
    exportFormats: 'any',
    importFormats: 'any',
    maxImportSizes: 'any',
    storageQuota: names('limit usage usageInDrive usageInDriveTrash'),
    teamDriveThemes: 'any',
    user,
  },
  channel: { ...names('address expiration id kind payload resourceId resourceUri token type'), params: 'any' },
  changeList: { ...names('kind newStartPageToken nextPageToken'), changes: changeSchema },
  drive: driveSchema,
  driveList: { ...names('kind nextPageToken'), drives: driveSchema },
  file: fileSchema,
  fileList: { ...names('incompleteSearch kind nextPageToken'), files: fileSchema },
  startPageToken: names('kind startPageToken'),
} satisfies Record<string, FieldSchema>

/** What is in an answer when the request has no `fields`. */
export const defaultFields: Record<keyof typeof schemas, string> = {
  about: '*',
  channel: '*',
  changeList:
    'kind,nextPageToken,newStartPageToken,changes(kind,changeType,time,removed,fileId,file(kind,id,name,mimeType),driveId,drive(kind,id,name))',
  drive: 'kind,id,name',
  driveList: 'kind,nextPageToken,drives(kind,id,name)',
  file: 'kind,id,name,mimeType',
  fileList: 'kind,nextPageToken,incompleteSearch,files(kind,id,name,mimeType)',
  startPageToken: '*',
}
