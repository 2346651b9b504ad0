export { cancelSync } from './cancel-sync.ts'
export { chooseTenant } from './choose-tenant.ts'
export { completeConnection } from './complete-connection.ts'
export { confirmDeletions } from './confirm-deletions.ts'
export { connect } from './connect.ts'
export { createPatchbay } from './create-patchbay.ts'
export { disconnect } from './disconnect.ts'
export { PatchbayClientError } from './errors.ts'
export { integrations } from './integrations.ts'
export { list } from './list.ts'
export { pauseEndpoint } from './pause-endpoint.ts'
export { procoreActions } from './procore-actions.ts'
export { reconnect } from './reconnect.ts'
export { refresh } from './refresh.ts'
export { resumeEndpoint } from './resume-endpoint.ts'
export { resyncEndpoint } from './resync-endpoint.ts'
export { status } from './status.ts'
export { syncEndpoint } from './sync-endpoint.ts'
export { testEndpoint } from './test-endpoint.ts'

export type { Supabase, WhichOne } from './call.ts'
export type { SupabaseDatabase } from './call-endpoint.ts'
export type { ConnectOptions, Departure } from './connect.ts'
export type {
  Choice,
  Endpoint,
  EndpointTest,
  ErrorCode,
  IntegrationStatus,
  ListName,
  ProviderId,
  ProviderStatus,
} from './contract.ts'
export type { Patchbay } from './create-patchbay.ts'
export type { DisconnectOptions } from './disconnect.ts'
export type { ClientErrorCode } from './errors.ts'
export type { ProcoreActions } from './procore-actions.ts'
export type { EndpointSettings } from './test-endpoint.ts'
