import type { Sql } from 'postgres'
import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import { type IntegrationRow, findIntegration, listIntegrations, requireOwnIntegration } from '../oauth/integrations.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { EndpointSettings } from './test-endpoint.ts'

interface Row {
  endpoint_type: string
  endpoint_config: unknown
  file_types: string[] | null
  integration_id: string | null
}

/** What of this user's endpoint a test needs. Throws `not_found`, also when it is another user's. */
export async function endpointSettings(sql: Sql, userId: string, endpointId: string): Promise<EndpointSettings> {
  const row = z.guid().safeParse(endpointId).success ? await readRow(sql, userId, endpointId) : undefined
  if (!row) {
    throw new PatchbayError('not_found', 'There is no such endpoint.', { hint: 'The table endpoints has the ids of yours.' })
  }
  return {
    endpointType: row.endpoint_type,
    config: row.endpoint_config,
    fileTypes: row.file_types,
    integration: row.integration_id === null ? undefined : await findIntegration(sql, userId, row.integration_id),
  }
}

/**
 * The account that a new endpoint of this user with this `endpoint_config` would read, as the database chooses it. Undefined: there is
 * none yet. Throws `not_found` for an id that is not this user's, and `invalid_request` where one of several has to be named.
 */
export async function integrationFor(
  sql: Sql,
  userId: string,
  definition: ProviderDefinition,
  config: Readonly<Record<string, unknown>>,
  integrationId: string | undefined,
): Promise<IntegrationRow | undefined> {
  if (integrationId !== undefined) return requireOwnIntegration(sql, userId, definition, integrationId)
  const rows = await listIntegrations(sql, userId, definition.id)
  const usable = rows.filter(({ status }) => status !== 'disconnected')
  const named = usable.find((row) => row.grant_type === 'client_credentials' && row.account_id === config['client_id'])
  const [only, ...others] = usable
  if (named || others.length === 0) return named ?? only
  const message = `integration_id is missing: this user has ${usable.length} ${definition.name} connections.`
  throw new PatchbayError('invalid_request', message, {
    context: { field: 'integration_id', provider: definition.id },
    hint: 'The list of integrations has the ids.',
  })
}

async function readRow(sql: Sql, userId: string, endpointId: string): Promise<Row | undefined> {
  const [row] = await sql<Row[]>`
    select endpoint_type, endpoint_config, file_types, integration_id from public.endpoints
    where id = ${endpointId}::uuid and user_id = ${userId}::uuid`
  return row
}
