import type { WhichOne } from './call.ts'
import type { SupabaseDatabase } from './call-endpoint.ts'
import { cancelSync } from './cancel-sync.ts'
import { chooseTenant } from './choose-tenant.ts'
import { completeConnection } from './complete-connection.ts'
import { confirmDeletions } from './confirm-deletions.ts'
import { connect, type ConnectOptions, type Departure } from './connect.ts'
import type { Choice, Endpoint, EndpointTest, IntegrationStatus, ListName, ProviderId, ProviderStatus } from './contract.ts'
import { disconnect, type DisconnectOptions } from './disconnect.ts'
import { integrations } from './integrations.ts'
import { list } from './list.ts'
import { pauseEndpoint } from './pause-endpoint.ts'
import { type ProcoreActions, procoreActions } from './procore-actions.ts'
import { reconnect } from './reconnect.ts'
import { refresh } from './refresh.ts'
import { resumeEndpoint } from './resume-endpoint.ts'
import { resyncEndpoint } from './resync-endpoint.ts'
import { status } from './status.ts'
import { syncEndpoint } from './sync-endpoint.ts'
import { type EndpointSettings, testEndpoint } from './test-endpoint.ts'

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
  syncEndpoint: (endpointId: string) => Promise<Endpoint>
  pauseEndpoint: (endpointId: string) => Promise<Endpoint>
  resumeEndpoint: (endpointId: string) => Promise<Endpoint>
  cancelSync: (endpointId: string) => Promise<Endpoint>
  resyncEndpoint: (endpointId: string) => Promise<Endpoint>
  confirmDeletions: (endpointId: string) => Promise<Endpoint>
  testEndpoint: (endpoint: string | EndpointSettings) => Promise<EndpointTest>
}

/** Binds the functions to the client of a signed-in user. `defaults` are the options of each connection. */
export function createPatchbay(supabase: SupabaseDatabase, defaults: ConnectOptions = {}): Patchbay {
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
    syncEndpoint: (endpointId) => syncEndpoint(supabase, endpointId),
    pauseEndpoint: (endpointId) => pauseEndpoint(supabase, endpointId),
    resumeEndpoint: (endpointId) => resumeEndpoint(supabase, endpointId),
    cancelSync: (endpointId) => cancelSync(supabase, endpointId),
    resyncEndpoint: (endpointId) => resyncEndpoint(supabase, endpointId),
    confirmDeletions: (endpointId) => confirmDeletions(supabase, endpointId),
    testEndpoint: (endpoint) => testEndpoint(supabase, endpoint),
    ...procoreActions(supabase),
  }
}
