import { get, providerPath, type Supabase, type WhichOne } from './call.ts'
import type { ProviderId, ProviderStatus } from './contract.ts'

/** How the user stands with a provider. Of several integrations, none named: the newest that works. Throws PatchbayClientError. */
export function status(supabase: Supabase, provider: ProviderId, which?: WhichOne): Promise<ProviderStatus> {
  return get(supabase, providerPath(provider, 'status'), which)
}
