import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/**
 * Ends the run in progress, and drops the one that waits. What was read stays; the next run is that of the schedule, and goes on from there.
 * Throws PatchbayClientError.
 */
export function cancelSync(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'cancel_sync', endpointId)
}
