import type { Sql } from 'postgres'
import { PatchbayError } from '../errors.ts'
import type { ListItem, ProviderDefinition } from '../providers/define.ts'
import type { Origin } from './origin.ts'
import type { GrantType } from './secret-store.ts'

/** A row of `public.integrations`, with what may be known of its token. */
export interface IntegrationRow {
  id: string
  provider: string
  grant_type: GrantType
  account_id: string
  account_label: string | null
  status: 'connected' | 'needs_reauth' | 'disconnected' | 'error'
  status_reason: string | null
  tenant_id: string | null
  tenant_label: string | null
  /** Granted. */
  scope: string
  /** When the access token ends; null: never, or there is none. */
  expires_at: Date | null
  has_token: boolean
  refreshable: boolean
  /** When its owner last consented; null: never completed. */
  connected_at: Date | null
  created_at: Date
  updated_at: Date
}

/** This user's integrations, newest first; of one provider when it is given. Those whose first connection was never completed are left out. */
export async function listIntegrations(sql: Sql, userId: string, provider?: string): Promise<IntegrationRow[]> {
  return sql<IntegrationRow[]>`
    ${selectIntegrations(sql)}
    where i.user_id = ${userId}::uuid and (${provider ?? null}::text is null or i.provider = ${provider ?? null})
      and i.connected_at is not null
    order by i.created_at desc, i.id`
}

/** One of this user's integrations; undefined when it is not theirs or does not exist. */
export async function findIntegration(sql: Sql, userId: string, integrationId: string): Promise<IntegrationRow | undefined> {
  const [row] = await sql<IntegrationRow[]>`
    ${selectIntegrations(sql)} where i.user_id = ${userId}::uuid and i.id = ${integrationId}::uuid`
  return row
}

/** One of this user's integrations with this provider. Throws `not_found`, also when it is another user's. */
export async function requireOwnIntegration(
  sql: Sql,
  userId: string,
  definition: ProviderDefinition,
  integrationId: string,
): Promise<IntegrationRow> {
  const row = await findIntegration(sql, userId, integrationId)
  if (row?.provider === definition.id) return row
  throw new PatchbayError('not_found', `This user has no such ${definition.name} connection.`, {
    context: { field: 'integration_id', provider: definition.id },
    hint: 'The list of integrations has the ids.',
  })
}

/** Ends a connection; its secrets leave at once. False: this user has no such integration. */
export async function disconnectIntegration(
  sql: Sql,
  userId: string,
  integrationId: string,
  { deleteRows, origin }: { deleteRows: boolean; origin: Origin },
): Promise<boolean> {
  const [row] = await sql<{ done: boolean }[]>`
    select patchbay.disconnect_integration(
      ${userId}::uuid, ${integrationId}::uuid, ${deleteRows}, ${JSON.stringify(origin)}::text::jsonb
    ) as done`
  return row?.done === true
}

/** Says which company requests are about from now on. */
export async function chooseTenant(sql: Sql, integrationId: string, tenant: ListItem, origin: Origin): Promise<void> {
  await sql`
    with chosen as (
      update public.integrations set tenant_id = ${tenant.id}, tenant_label = ${tenant.label}
      where id = ${integrationId}::uuid and tenant_id is distinct from ${tenant.id}
      returning *
    )
    select patchbay.record_event(
      user_id, id, provider, 'tenant_chosen', status, status, ${tenant.label}, ${JSON.stringify(origin)}::text::jsonb
    ) from chosen`
}

function selectIntegrations(sql: Sql) {
  return sql`
    select i.id, i.provider, i.grant_type, i.account_id, i.account_label, i.status, i.status_reason, i.tenant_id, i.tenant_label,
      array_to_string(i.scopes, ' ') as scope, nullif(s.expires_at, 'infinity') as expires_at, s.integration_id is not null as has_token,
      coalesce(s.refresh_token_jwe is not null, false) or i.grant_type <> 'authorization_code' as refreshable,
      i.connected_at, i.created_at, i.updated_at
    from public.integrations i
    left join patchbay.secrets s on s.integration_id = i.id and s.name = 'primary'`
}
