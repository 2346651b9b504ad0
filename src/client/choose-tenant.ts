import { post, providerPath, type Supabase, type WhichOne } from './call.ts'
import type { IntegrationStatus, ProviderId } from './contract.ts'

/**
 * Chooses the company that requests are about, where one account reaches several (`tenantRequired` in the status). `tenantId` is an id of
 * the provider's list of companies. Throws PatchbayClientError.
 */
export function chooseTenant(
  supabase: Supabase,
  provider: ProviderId,
  tenantId: string,
  { integrationId }: WhichOne = {},
): Promise<IntegrationStatus> {
  return post(supabase, providerPath(provider, 'tenant'), { tenant_id: tenantId, integration_id: integrationId })
}
