import { PatchbayError } from '../errors.ts'
import { sharedPermits } from '../http/permits.ts'
import { type ProviderApi, createProviderApi, impatientLimits } from '../http/provider-api.ts'
import { type IntegrationRow, listIntegrations, requireOwnIntegration } from '../oauth/integrations.ts'
import { tokenSource } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import type { Call } from './route.ts'

/** The integration that a request is about: the one it names, or the only one. Undefined: there is none. Throws `invalid_request`. */
export async function meantIntegration(
  { runtime, user }: Pick<Call, 'runtime' | 'user'>,
  definition: ProviderDefinition,
  integrationId: string | undefined,
): Promise<IntegrationRow | undefined> {
  if (integrationId !== undefined) return requireOwnIntegration(runtime.sql, user.id, definition, integrationId)
  const [row, ...others] = await listIntegrations(runtime.sql, user.id, definition.id)
  if (others.length === 0) return row
  throw new PatchbayError(
    'invalid_request',
    `integration_id is missing: this user has ${others.length + 1} ${definition.name} connections.`,
    {
      context: { field: 'integration_id', provider: definition.id },
      hint: 'The list of integrations has the ids.',
    },
  )
}

/** As `meantIntegration`, where there must be one. Throws `not_connected` as well. */
export async function requireIntegration(
  call: Pick<Call, 'runtime' | 'user'>,
  definition: ProviderDefinition,
  integrationId: string | undefined,
): Promise<IntegrationRow> {
  const row = await meantIntegration(call, definition, integrationId)
  if (row) return row
  throw new PatchbayError('not_connected', `${definition.name} is not connected.`, {
    context: { provider: definition.id },
    hint: 'Connect the account first.',
  })
}

/** The provider's API with the stored token, for a request that somebody waits for. */
export function apiOf(runtime: Runtime, definition: ProviderDefinition, { id, tenant_id }: IntegrationRow): ProviderApi {
  return createProviderApi({
    runtime,
    definition,
    tokens: tokenSource(runtime, definition, id),
    limits: impatientLimits,
    permits: sharedPermits(runtime, definition, id),
    ...(tenant_id !== null && { tenant: tenant_id }),
  })
}
