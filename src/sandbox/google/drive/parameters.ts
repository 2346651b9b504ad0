import { ApiError, invalidParameter, notSimulated } from '../api-error.ts'
import { driveNotFound } from './drive-error.ts'
import type { DriveStore } from './drive-store.ts'
import type { SharedDrive } from './drive-file.ts'
import type { Viewer } from './access.ts'

export type Parameters = Readonly<Record<string, string>>

const largestPage = 1000

/** `pageSize` from 1 up; Google takes anything above the largest as the largest. */
export function readPageSize(query: Parameters, usual = 100, largest = largestPage): number {
  const text = query['pageSize']
  if (text === undefined) return usual
  const size = Number(text)
  if (!Number.isInteger(size) || size < 1) {
    throw invalidParameter('pageSize', `Invalid value '${text}'. Values must be within the range: [1, ${largest}]`)
  }
  return Math.min(size, largest)
}

export function readBoolean(query: Parameters, name: string, usual = false): boolean {
  const text = query[name]
  if (text === undefined) return usual
  if (text !== 'true' && text !== 'false') throw invalidParameter(name, `Invalid boolean value: '${text}'.`)
  return text === 'true'
}

/** What a request says about shared drives. */
export interface DriveScope {
  corpora: 'user' | 'drive' | 'allDrives' | 'domain'
  /** Set with `corpora=drive`. */
  drive: SharedDrive | null
  /** Items of shared drives are wanted: both flags are set. */
  sharedDrives: boolean
}

/** Reads corpora, driveId and the two flags, which depend on each other. Throws ApiError for combinations that Google refuses. */
export function readDriveScope(query: Parameters, store: DriveStore, viewer: Viewer): DriveScope {
  const corpora = query['corpora'] ?? 'user'
  if (corpora !== 'user' && corpora !== 'drive' && corpora !== 'allDrives' && corpora !== 'domain') {
    throw invalidParameter('corpora', `Invalid string value: '${corpora}'. Allowed values: [user, domain, drive, allDrives]`)
  }
  const driveId = query['driveId']
  if ((driveId !== undefined) !== (corpora === 'drive')) {
    const message = 'The driveId parameter must be specified if and only if corpora is set to drive.'
    throw new ApiError(403, { reason: 'teamDriveIdRequiresTeamDriveCorpora', message })
  }
  const sharedDrives = readSharedDriveFlags(query, corpora !== 'user')
  return { corpora, drive: driveId === undefined ? null : memberDrive(store, driveId, viewer), sharedDrives }
}

/** True when both flags are set. Throws ApiError when they are `required` and are not. */
export function readSharedDriveFlags(query: Parameters, required: boolean): boolean {
  const included = readBoolean(query, 'includeItemsFromAllDrives') && readBoolean(query, 'supportsAllDrives')
  if (required && !included) {
    const message =
      'The includeItemsFromAllDrives parameter must be set to true when driveId is specified or corpora contains drive or allDrives.'
    throw new ApiError(403, { reason: 'includeTeamDriveItemsRequired', message })
  }
  return included
}

/** The shared drive, for its members. */
export function memberDrive(store: DriveStore, id: string, { account }: Viewer): SharedDrive {
  const drive = store.drives.get(id)
  if (drive === undefined || !drive.members.includes(account.email)) throw driveNotFound(id)
  return drive
}

export function checkSpaces(query: Parameters): void {
  const spaces = query['spaces'] ?? 'drive'
  if (spaces !== 'drive') throw notSimulated(`the space '${spaces}'`)
}
