import type { drive_v3 } from '@googleapis/drive'
import { userResource } from './file-resource.ts'
import type { Account } from '../accounts.ts'
import type { DriveStore } from './drive-store.ts'

const limitBytes = 2 * 1024 ** 4
const document = 'application/vnd.google-apps.document'
const spreadsheet = 'application/vnd.google-apps.spreadsheet'
const presentation = 'application/vnd.google-apps.presentation'
const office = 'application/vnd.openxmlformats-officedocument'

/** Who the account is, and how much it stores: about.get. */
export function aboutResource(store: DriveStore, account: Account): drive_v3.Schema$About {
  const user = userResource(account, account)
  let usage = 0
  let trash = 0
  for (const file of store.files) {
    if (file?.owner !== account.email) continue
    usage += file.size ?? 0
    if (file.trashed) trash += file.size ?? 0
  }
  return {
    kind: 'drive#about',
    ...(user && { user }),
    storageQuota: {
      limit: String(limitBytes),
      usage: String(usage),
      usageInDrive: String(usage),
      usageInDriveTrash: String(trash),
    },
    maxUploadSize: '5242880000000',
    exportFormats: {
      [document]: ['application/pdf', `${office}.wordprocessingml.document`, 'text/plain', 'text/html', 'text/markdown'],
      [spreadsheet]: ['application/pdf', `${office}.spreadsheetml.sheet`, 'text/csv', 'text/tab-separated-values'],
      [presentation]: ['application/pdf', `${office}.presentationml.presentation`, 'text/plain'],
    },
    importFormats: { 'text/plain': [document], 'text/csv': [spreadsheet] },
    appInstalled: true,
    canCreateDrives: true,
  }
}
