import type { Supabase } from './call.ts'
import { completeConnection } from './complete-connection.ts'
import { connect, type Departure } from './connect.ts'
import type { Choice, ProviderStatus } from './contract.ts'
import { disconnect } from './disconnect.ts'
import { list } from './list.ts'
import { refresh } from './refresh.ts'
import { status } from './status.ts'

/** The six actions of the Procore integration's guide, by their names. All throw PatchbayClientError. */
export interface ProcoreActions {
  /** Gives the address of Procore's authorization page, with its state. Procore sends the user back to PROCORE_REDIRECT_URI. */
  initiateProcoreConnection: () => Promise<Departure>
  /** Hands in what Procore added to the address of that page. */
  completeProcoreConnection: (code: string, state: string) => Promise<ProviderStatus | null>
  /** The current user's connection. */
  getProcoreConnection: () => Promise<ProviderStatus>
  disconnectProcore: () => ReturnType<typeof disconnect>
  refreshProcoreToken: () => ReturnType<typeof refresh>
  /** The companies that the user has access to. */
  getProcoreCompanies: () => Promise<Choice[]>
}

/**
 * The six actions for one user's client. There is no default client to set once for all: on a server, which answers several users at a
 * time, one user's actions would be done as another.
 */
export function procoreActions(supabase: Supabase): ProcoreActions {
  return {
    initiateProcoreConnection: () => connect(supabase, 'procore', { flow: 'client', navigate: false }),
    completeProcoreConnection: (code, state) => completeConnection(supabase, new URLSearchParams({ code, state })),
    getProcoreConnection: () => status(supabase, 'procore'),
    disconnectProcore: () => disconnect(supabase, 'procore'),
    refreshProcoreToken: () => refresh(supabase, 'procore'),
    getProcoreCompanies: () => list(supabase, 'procore', 'companies'),
  }
}
