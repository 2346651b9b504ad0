import { post, providerPath, type Supabase, type WhichOne } from './call.ts'
import type { IntegrationStatus, ProviderId } from './contract.ts'

/**
 * Refreshes the access token now. Nothing needs it: tokens are refreshed before they expire. It shows whether a connection still holds.
 * Throws PatchbayClientError, `needs_reauth` when the provider no longer accepts the connection.
 */
export function refresh(
  supabase: Supabase,
  provider: ProviderId,
  { integrationId }: WhichOne = {},
): Promise<Pick<IntegrationStatus, 'status' | 'hasValidToken' | 'expiresAt'>> {
  return post(supabase, providerPath(provider, 'refresh'), { integration_id: integrationId })
}
