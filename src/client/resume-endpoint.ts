import { callEndpoint, type SupabaseDatabase } from './call-endpoint.ts'
import type { Endpoint } from './contract.ts'

/** Goes on after a pause, at once and from where it stood. Throws PatchbayClientError. */
export function resumeEndpoint(supabase: SupabaseDatabase, endpointId: string): Promise<Endpoint> {
  return callEndpoint(supabase, 'resume_endpoint', endpointId)
}
