import { z } from 'zod'
import { adminCall } from '../admin-call.ts'
import {
  CreatedFiles,
  DriveEntry,
  LiveChannels,
  type DriveMembership,
  type FileShare,
  type FileUpdate,
  type NewFile,
  type NewFiles,
  type NewFolder,
} from './admin-contract.ts'
import { ServiceAccountFile } from './oauth/service-account-key.ts'

/** What only Google can be told. */
export type GoogleSandbox = ReturnType<typeof googleSandbox>

/** `url` is the sandbox's own, as `startSandbox` returns it. Every call throws when the sandbox refuses it or cannot be reached. */
export function googleSandbox(url: string) {
  const call = adminCall(url)
  return {
    /** How many push channels are in force. */
    liveChannels: async () => LiveChannels.parse(await call('GET', '/google/channels')).live,
    serviceAccount: async () => ServiceAccountFile.parse(await call('GET', '/google/service-account.json')),
    /** What the account can really read; by default the one with the files from disk. */
    files: async (account = 'pat@example.com') =>
      z.array(DriveEntry).parse(await call('GET', `/google/files?account=${encodeURIComponent(account)}`)),
    createFile: async (file: NewFile) => DriveEntry.parse(await call('POST', '/google/files', file)),
    /** Returns the new ids. */
    createFiles: async (files: NewFiles) => CreatedFiles.parse(await call('POST', '/google/files/bulk', files)).ids,
    createFolder: async (folder: NewFolder) => DriveEntry.parse(await call('POST', '/google/files/folder', folder)),
    updateFile: async (update: FileUpdate) => DriveEntry.parse(await call('POST', '/google/files/update', update)),
    /** For good: it does not go through the trash. */
    deleteFile: async (id: string) => void (await call('POST', '/google/files/delete', { id })),
    shareFile: async (share: FileShare) => void (await call('POST', '/google/files/share', share)),
    setDriveMember: async (membership: DriveMembership) => void (await call('POST', '/google/drives/members', membership)),
  }
}
