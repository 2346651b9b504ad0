import { post, providerPath, type Supabase, type WhichOne } from './call.ts'
import type { ProviderId } from './contract.ts'

export interface DisconnectOptions extends WhichOne {
  /** Also deletes what was synced. By default it stays. */
  deleteRows?: boolean | undefined
}

/**
 * Ends a connection: its tokens are deleted at once, and the provider is told, where it can be. May be called again. Throws
 * PatchbayClientError.
 */
export function disconnect(
  supabase: Supabase,
  provider: ProviderId,
  { integrationId, deleteRows }: DisconnectOptions = {},
): Promise<{ status: 'disconnected' }> {
  return post(supabase, providerPath(provider, 'disconnect'), { integration_id: integrationId, delete_rows: deleteRows })
}
