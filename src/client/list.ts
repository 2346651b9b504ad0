import { get, providerPath, type Supabase, type WhichOne } from './call.ts'
import type { Choice, ListName, ProviderId } from './contract.ts'

/** What the account has to choose from, such as its calendars. Asks the provider. Throws PatchbayClientError. */
export async function list<Id extends ProviderId>(
  supabase: Supabase,
  provider: Id,
  name: ListName<Id>,
  which?: WhichOne,
): Promise<Choice[]> {
  const answer = await get<{ items: Choice[] }>(supabase, providerPath(provider, 'lists', name), which)
  return answer.items
}
