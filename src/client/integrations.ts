import { get, type Supabase } from './call.ts'
import type { IntegrationStatus } from './contract.ts'

/** All integrations of the user, newest first. Throws PatchbayClientError. */
export async function integrations(supabase: Supabase): Promise<IntegrationStatus[]> {
  const answer = await get<{ integrations: IntegrationStatus[] }>(supabase, 'integrations')
  return answer.integrations
}
