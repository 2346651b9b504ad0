import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/** Pauses an endpoint: a run in progress ends with its page, and no other begins. Throws PatchbayClientError. */
export function pauseEndpoint(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'pause_endpoint', endpointId)
}
