import { z } from 'zod'
import type { IntegrationRow } from '../oauth/integrations.ts'
import { missingScopes, splitScope } from '../oauth/scope.ts'
import type { ProviderDefinition } from '../providers/define.ts'

export const Choice = z.object({ id: z.string(), label: z.string() })

const Time = z.iso.datetime().nullable()

export const IntegrationStatus = z.object({
  provider: z.string(),
  status: z
    .enum(['authenticated', 'needs_reauth', 'error', 'disconnected', 'not_connected'])
    .describe('needs_reauth: its owner has to connect it again. error: it does not work now, and is tried again.'),
  hasValidToken: z.boolean().describe('Whether an access token is stored that is good now, without a refresh.'),
  connected: z.boolean().describe('Whether status is authenticated.'),
  integrationId: z.guid().nullable(),
  accountId: z.string().nullable(),
  accountLabel: z.string().nullable(),
  reason: z.string().nullable().describe('Why it is not authenticated, in words that a person can act on.'),
  createdAt: Time,
  updatedAt: Time,
  expiresAt: Time.describe('When the access token ends; null: never, or there is none.'),
  scopes: z.array(z.string()).describe('What was granted.'),
  missingScopes: z.array(z.string()).describe('What was asked for and not granted.'),
  tenant: Choice.nullable().describe('The company that requests are about, where one account reaches several.'),
  tenantRequired: z.boolean().describe('True: a company has to be chosen before anything of one can be read.'),
})
type IntegrationStatus = z.input<typeof IntegrationStatus>

export const ProviderStatus = IntegrationStatus.extend({
  count: z.int().describe('How many integrations with this provider the user has. More than one: name yours by integration_id.'),
  integrations: z.array(
    IntegrationStatus.pick({ integrationId: true, accountLabel: true, status: true }).extend({ integrationId: z.guid() }),
  ),
})
type ProviderStatus = z.input<typeof ProviderStatus>

/** How an integration is doing; never a token. `now` is in milliseconds since the epoch. */
export function integrationStatus(definition: ProviderDefinition, row: IntegrationRow, now: number): IntegrationStatus {
  const status = statusOf(row)
  const { granted, missing } = scopesOf(definition, row)
  return {
    provider: row.provider,
    status,
    hasValidToken: hasValidToken(row, now),
    connected: status === 'authenticated',
    integrationId: row.id,
    accountId: row.account_id,
    accountLabel: row.account_label,
    reason: row.status_reason,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    scopes: granted,
    missingScopes: missing,
    tenant: row.tenant_id === null ? null : { id: row.tenant_id, label: row.tenant_label ?? row.tenant_id },
    tenantRequired: definition.tenant !== undefined && row.tenant_id === null,
  }
}

/** How this user stands with a provider: the integration that was named; else the newest of those that work, else the newest. */
export function providerStatus(
  definition: ProviderDefinition,
  rows: readonly IntegrationRow[],
  named: IntegrationRow | undefined,
  now: number,
): ProviderStatus {
  const shown = named ?? rows.find(({ status }) => status === 'connected') ?? rows[0]
  return {
    ...(shown ? integrationStatus(definition, shown, now) : notConnected(definition)),
    count: rows.length,
    integrations: rows.map((row) => ({ integrationId: row.id, accountLabel: row.account_label, status: statusOf(row) })),
  }
}

/** What an integration may do, and what it was to do. */
export function scopesOf(
  { auth }: ProviderDefinition,
  row: IntegrationRow | undefined,
): { granted: string[]; missing: string[]; requested: string[] } {
  const granted = splitScope(row?.scope ?? '')
  // The app itself is asked for other scopes than a user is.
  const requested = (row?.grant_type === 'client_credentials' ? auth.clientCredentials?.scopes : undefined) ?? auth.scopes
  return { granted, missing: missingScopes({ ...auth, scopes: requested }, granted), requested: [...requested] }
}

function statusOf({ status }: IntegrationRow): IntegrationStatus['status'] {
  return status === 'connected' ? 'authenticated' : status
}

function hasValidToken({ status, has_token, expires_at }: IntegrationRow, now: number): boolean {
  if (!has_token || status === 'disconnected' || status === 'needs_reauth') return false
  return expires_at === null || expires_at.getTime() > now
}

function notConnected(definition: ProviderDefinition): IntegrationStatus {
  return {
    provider: definition.id,
    status: 'not_connected',
    hasValidToken: false,
    connected: false,
    integrationId: null,
    accountId: null,
    accountLabel: null,
    reason: null,
    createdAt: null,
    updatedAt: null,
    expiresAt: null,
    scopes: [],
    missingScopes: scopesOf(definition, undefined).missing,
    tenant: null,
    tenantRequired: false,
  }
}
