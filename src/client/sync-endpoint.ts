import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/**
 * Syncs an endpoint now, also while it waits after failures; during a run, another one follows it. Throws PatchbayClientError,
 * `endpoint_paused`, `not_connected` and `needs_reauth` where no run could begin.
 */
export function syncEndpoint(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'sync_endpoint', endpointId)
}
