import { PatchbayError } from '../../errors.ts'
import type { ProviderApi } from '../../http/provider-api.ts'
import type { FolderData } from './answers.ts'
import type { Scope } from './endpoint-config.ts'
import { isDeleted } from './items.ts'
import { isOutOfSight } from './out-of-sight.ts'
import { getFolder, getTopFolders } from './requests.ts'

/** The folder that an endpoint is about. Throws when it is out of sight: the files of an endpoint stay until somebody decides. */
export async function getRootFolder(api: ProviderApi, scope: Scope, folderId: string): Promise<FolderData> {
  const folder = await inSight(scope, getFolder(api, scope.projectId, folderId))
  if (isDeleted(folder)) throw outOfSight(scope, 'provider_not_found')
  return folder
}

/** The top folders of the project that an endpoint is about: one or more. Throws as above. */
export async function getRootFolders(api: ProviderApi, hubId: string, scope: Scope): Promise<FolderData[]> {
  const folders = await inSight(scope, getTopFolders(api, hubId, scope.projectId))
  // Every project has one: the account sees none of them any more, and all that it has seen would be deleted.
  if (folders.length === 0) throw outOfSight(scope, 'provider_forbidden')
  return folders
}

/** For an endpoint whose own project or folder is out of sight. */
export function outOfSight(
  scope: Scope,
  code: 'provider_not_found' | 'provider_forbidden',
  cause?: PatchbayError,
): PatchbayError {
  const what = scope.folderId === undefined ? `The project ${scope.projectId}` : `The folder ${scope.folderId}`
  const message = `${what} is archived, deleted or not open to this account. Give the account access, or delete the endpoint.`
  return new PatchbayError(code, message, { cause, context: { ...cause?.context, provider: 'autodesk' } })
}

async function inSight<T>(scope: Scope, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!isOutOfSight(error)) throw error
    throw outOfSight(scope, error.code === 'provider_forbidden' ? error.code : 'provider_not_found', error)
  }
}
