import { post, type Supabase } from './call.ts'
import type { EndpointTest } from './contract.ts'

/** An endpoint that is still to be made: columns of `endpoints`. */
export interface EndpointSettings {
  endpoint_type: string
  endpoint_config?: Record<string, unknown> | undefined
  file_types?: readonly string[] | null | undefined
  /** The account; may be left out as in a new endpoint. */
  integration_id?: string | undefined
}

/**
 * Tries what a sync needs, and writes nothing: that the token is good, that the provider answers, and what the first page has. A step that
 * fails is in the answer. By the id of an endpoint, or by the settings of one that is still to be made. Throws PatchbayClientError.
 */
export function testEndpoint(supabase: Supabase, endpoint: string | EndpointSettings): Promise<EndpointTest> {
  if (typeof endpoint === 'string') return post(supabase, `integrations/endpoints/${encodeURIComponent(endpoint)}/test`, {})
  return post(supabase, 'integrations/endpoints/test', { ...endpoint })
}
