import { PatchbayError } from '../../errors.ts'

/** Whether an error says that the account cannot see a thing: it is gone, or closed to it, and which of both is not always said. */
export function isOutOfSight(error: unknown): error is PatchbayError {
  return error instanceof PatchbayError && (error.code === 'provider_not_found' || error.code === 'provider_forbidden')
}
