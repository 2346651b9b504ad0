import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/**
 * Reads everything anew, at once. Rows stay until the pass has seen everything; its end removes what is gone. Throws PatchbayClientError, as
 * `syncEndpoint`.
 */
export function resyncEndpoint(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'resync_endpoint', endpointId)
}
