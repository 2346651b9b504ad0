import type { ProviderStatus } from '../../client/contract.ts'
import { createPatchbay } from '../../client/create-patchbay.ts'
import { findProvider, providers } from '../../shared/providers/registry.ts'
import type { Platform } from '../services.ts'
import { connectProvider } from './connect.ts'
import type { Narrator } from './demo.ts'
import { firstEmail, signIn, type Person } from './people.ts'

/** How one provider stands after the person has connected it. */
export interface Connection {
  provider: string
  account: string | null
  status: string
  /** Until when the access token is good, in ISO 8601; null: it does not expire. */
  tokenValidUntil: string | null
  /** By the names of the provider's lists: how much there is to choose from, and the company that was chosen. */
  choices: string
}

/** Connects the demo's user to every provider of the registry, through the client. */
export async function connectProviders(
  platform: Platform,
  narrator: Narrator,
): Promise<{ connections: Connection[]; wrong: string[] }> {
  narrator.step('Connecting every provider')
  const person = await signIn(platform, firstEmail)
  const connections: Connection[] = []
  const wrong: string[] = []
  for (const [index, { id, name }] of providers.entries()) {
    narrator.progress(index / providers.length, name)
    try {
      connections.push(await describe(person, await connectProvider(person, id)))
    } catch (error) {
      wrong.push(`${name} could not be connected: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  narrator.done(`${connections.length} of ${providers.length}`)
  return { connections, wrong }
}

async function describe(person: Person, status: ProviderStatus): Promise<Connection> {
  return {
    provider: findProvider(status.provider).name,
    account: status.accountLabel,
    status: status.status,
    tokenValidUntil: status.expiresAt,
    choices: await listChoices(person, status),
  }
}

/** Asks the provider, so it shows that the stored token works. */
async function listChoices(person: Person, { provider, integrationId, tenant, tenantRequired }: ProviderStatus): Promise<string> {
  const patchbay = createPatchbay(person.supabase)
  const { lists, tenant: companies } = findProvider(provider)
  const parts: string[] = []
  for (const name of Object.keys(lists)) {
    // Nothing of a company can be read before one is chosen.
    if (tenantRequired && name !== companies?.list) continue
    const items = await patchbay.list(provider, name, { integrationId: integrationId ?? undefined })
    const chosen = name === companies?.list ? ` (${tenant?.label ?? 'none chosen'})` : ''
    parts.push(`${name}: ${items.length.toLocaleString('en')}${chosen}`)
  }
  return parts.join(', ')
}
