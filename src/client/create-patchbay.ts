import type { Supabase, WhichOne } from './call.ts'
import { chooseTenant } from './choose-tenant.ts'
import { completeConnection } from './complete-connection.ts'
import { connect, type ConnectOptions, type Departure } from './connect.ts'
import type { Choice, IntegrationStatus, ListName, ProviderId, ProviderStatus } from './contract.ts'
import { disconnect, type DisconnectOptions } from './disconnect.ts'
import { integrations } from './integrations.ts'
import { list } from './list.ts'
import { type ProcoreActions, procoreActions } from './procore-actions.ts'
import { reconnect } from './reconnect.ts'
import { refresh } from './refresh.ts'
import { status } from './status.ts'

/** The functions of this package, bound to one client. Each of them says what it does where it is declared. */
export interface Patchbay extends ProcoreActions {
  connect: (provider: ProviderId, options?: ConnectOptions) => Promise<Departure>
  completeConnection: (input?: string | URL | URLSearchParams) => Promise<ProviderStatus | null>
  reconnect: (provider: ProviderId, options?: ConnectOptions & WhichOne) => Promise<Departure>
  status: (provider: ProviderId, which?: WhichOne) => Promise<ProviderStatus>
  refresh: (provider: ProviderId, which?: WhichOne) => ReturnType<typeof refresh>
  disconnect: (provider: ProviderId, options?: DisconnectOptions) => ReturnType<typeof disconnect>
  integrations: () => Promise<IntegrationStatus[]>
  list: <Id extends ProviderId>(provider: Id, name: ListName<Id>, which?: WhichOne) => Promise<Choice[]>
  chooseTenant: (provider: ProviderId, tenantId: string, which?: WhichOne) => Promise<IntegrationStatus>
}

/** Binds the functions to the client of a signed-in user. `defaults` are the options of each connection. */
export function createPatchbay(supabase: Supabase, defaults: ConnectOptions = {}): Patchbay {
  return {
    connect: (provider, options) => connect(supabase, provider, { ...defaults, ...options }),
    completeConnection: (input) => completeConnection(supabase, input),
    reconnect: (provider, options) => reconnect(supabase, provider, { ...defaults, ...options }),
    status: (provider, which) => status(supabase, provider, which),
    refresh: (provider, which) => refresh(supabase, provider, which),
    disconnect: (provider, options) => disconnect(supabase, provider, options),
    integrations: () => integrations(supabase),
    list: (provider, name, which) => list(supabase, provider, name, which),
    chooseTenant: (provider, tenantId, which) => chooseTenant(supabase, provider, tenantId, which),
    ...procoreActions(supabase),
  }
}
