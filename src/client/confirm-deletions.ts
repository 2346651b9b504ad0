import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/**
 * Lets the next pass delete what the guard stopped (`last_sync_status` is `stopped`), and begins it. Good for one pass. Throws
 * PatchbayClientError, `nothing_to_confirm` when the guard has stopped nothing.
 */
export function confirmDeletions(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'confirm_deletions', endpointId)
}
