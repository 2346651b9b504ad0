import { PatchbayError } from '../../errors.ts'
import type { Scope } from './endpoint-config.ts'

/** For a shared drive that is gone, or that the account is no member of. */
export function sharedDriveNotFound(driveId: string, cause?: unknown): PatchbayError {
  return new PatchbayError(
    'provider_not_found',
    `There is no shared drive ${driveId} that this account is a member of. Add the account to it, or delete the endpoint.`,
    { cause, context: { provider: 'google-drive' } },
  )
}

/** For an endpoint whose own root is gone. Its files stay until somebody decides: losing a folder is often an accident. */
export function rootGone(scope: Scope): PatchbayError {
  const what = scope.kind === 'account' ? 'My Drive' : `The folder ${scope.id}`
  return new PatchbayError(
    'provider_not_found',
    `${what} is in the trash, deleted or no longer shared with this account. Restore it, or delete the endpoint.`,
    { context: { provider: 'google-drive' } },
  )
}
