import { providerPath, type Supabase, type WhichOne } from './call.ts'
import { type ConnectOptions, type Departure, depart } from './connect.ts'
import type { ProviderId } from './contract.ts'

/** As `connect`, for an integration that there is: same endpoints, new tokens, and no other account. */
export function reconnect(
  supabase: Supabase,
  provider: ProviderId,
  { integrationId, ...options }: ConnectOptions & WhichOne = {},
): Promise<Departure> {
  return depart(supabase, providerPath(provider, 'reconnect'), { integration_id: integrationId }, options)
}
