import type { Account } from '../accounts.ts'
import type { DriveFile } from './drive-file.ts'

/** On whose behalf a request is made. */
export interface Viewer {
  account: Account
  /** Set when the token has no scope but `drive.file`: only files that this app made are visible. */
  onlyClient: string | null
}

/** What decides who sees a file. A change that alters it can make the file leave someone's change feed. */
export interface Corpus {
  owner: string | null
  driveId: string | null
  /** Accounts that it is shared with, directly or with a folder. */
  audience: readonly string[]
}

export function corpusOf(file: DriveFile): Corpus {
  return { owner: file.owner, driveId: file.drive?.id ?? null, audience: audience(file) }
}

export function sameCorpus(a: Corpus, b: Corpus): boolean {
  return a.owner === b.owner && a.driveId === b.driveId && a.audience.join() === b.audience.join()
}

export function audience(file: DriveFile): readonly string[] {
  let all = file.sharedWith
  for (let at = sharingFolder(file); at !== null; at = sharingFolder(at)) {
    if (at.sharedWith.length > 0) all = [...new Set([...all, ...at.sharedWith])]
  }
  return all
}

export function isSharedWith(file: DriveFile, email: string): boolean {
  for (let at: DriveFile | null = file; at !== null; at = sharingFolder(at)) if (at.sharedWith.includes(email)) return true
  return false
}

/** The user behind the viewer may read the file, whatever the app may. */
export function canRead(file: DriveFile, email: string): boolean {
  if (file.drive !== null) return file.drive.members.includes(email)
  return file.owner === email || isSharedWith(file, email)
}

export function canSee(file: DriveFile, { account, onlyClient }: Viewer): boolean {
  return canRead(file, account.email) && (onlyClient === null || file.appClient === onlyClient)
}

/** Sharing gives the right to read only; members of a shared drive may write. */
export function canEdit(file: DriveFile, email: string): boolean {
  return file.drive === null ? file.owner === email : file.drive.members.includes(email)
}

/** The folder that it is in, when the account sees that folder. */
export function visibleParent(file: DriveFile, email: string): DriveFile | null {
  return file.parent !== null && canRead(file.parent, email) ? file.parent : null
}

/** The folder whose sharing also counts for it. */
function sharingFolder(file: DriveFile): DriveFile | null {
  return file.inheritsSharing ? file.parent : null
}
