import type { Sql } from 'postgres'
import { toJson } from '../db/json.ts'
import type { HookPlan, Json, WebhookEvent } from '../sync/stream.ts'

/** A hook that may be delivered to. */
export interface StoredWebhook {
  endpointType: string
  secretJwe: string
  /** Null: the provider has not answered yet. */
  external: Json
}

/** Whose integration stands behind a hook, and how it is authorized. */
export interface Behind {
  integrationId: string
  status: 'connected' | 'error' | 'needs_reauth' | 'disconnected'
  /** One of the operator's further apps, which has hooks of its own. */
  clientId: string | undefined
}

/** An endpoint whose hooks are looked at. */
export interface Watch {
  endpointType: string
  config: unknown
  enabled: boolean
  /** Null: it has no account. */
  behind: Behind | null
}

/** A hook that is to be stopped. */
export interface RetiredWebhook {
  id: string
  endpointType: string
  config: unknown
  params: Json
  /** Undefined: the provider has not made it, or has not said so. */
  external: Json | undefined
  expiresAt: Date | null
  retiredAt: Date
  clientId: string | undefined
  /** Null: it is gone. */
  integrationId: string | null
  status: Behind['status'] | null
}

/** Undefined: there is no such hook, or it never came to be. */
export async function findWebhook(sql: Sql, id: string): Promise<StoredWebhook | undefined> {
  const [row] = await sql<{ endpoint_type: string; secret_jwe: string; external: Json }[]>`
    select endpoint_type, secret_jwe, external from patchbay.webhooks where id = ${id}::uuid and state <> 'failed'`
  return row && { endpointType: row.endpoint_type, secretJwe: row.secret_jwe, external: row.external }
}

/** Takes a delivery into the inbox, and queues its processing. `unwatched`: the endpoint is gone. */
export async function receiveWebhook(sql: Sql, id: string, event: WebhookEvent): Promise<'fresh' | 'replay' | 'unwatched'> {
  const targets = typeof event.about === 'object' ? event.about.targets : []
  const [row] = await sql<[{ result: 'fresh' | 'replay' | 'unwatched' }]>`
    select patchbay.receive_webhook(
      ${id}::uuid, ${event.key}, ${event.type}, ${event.about === 'changes'}, ${toJson(targets)}::text::jsonb
    ) as result`
  return row.result
}

/** Works off an endpoint's inbox. True: something is due now. */
export async function processWebhooks(sql: Sql, endpointId: string): Promise<boolean> {
  const [row] = await sql<[{ due: boolean }]>`select patchbay.process_webhooks(${endpointId}::uuid) as due`
  return row.due
}

/** Undefined: the endpoint is gone. */
export async function beginWatch(sql: Sql, endpointId: string): Promise<Watch | undefined> {
  type BehindRow = { integration_id: string; status: Behind['status']; client_id: string | null } | { integration_id: null }
  type Row = { endpoint_type: string; endpoint_config: unknown; enabled: boolean } & BehindRow
  const [row] = await sql<Row[]>`select * from patchbay.begin_watch(${endpointId}::uuid)`
  if (!row) return undefined
  const behind =
    row.integration_id === null
      ? null
      : { integrationId: row.integration_id, status: row.status, clientId: row.client_id ?? undefined }
  return { endpointType: row.endpoint_type, config: row.endpoint_config, enabled: row.enabled, behind }
}

/** Retires what is not planned any more; gives the keys of what is to be made. */
export async function matchWebhooks(
  sql: Sql,
  endpointId: string,
  { integrationId, functionsUrl, plan }: { integrationId: string | null; functionsUrl: string; plan: readonly HookPlan[] },
): Promise<Set<string>> {
  const rows = await sql<{ key: string }[]>`
    select key from patchbay.match_webhooks(
      ${endpointId}::uuid, ${integrationId}::uuid, ${functionsUrl}, ${toJson(plan)}::text::jsonb
    ) as key`
  return new Set(rows.map(({ key }) => key))
}

/** Writes down that a hook is about to be asked for. False: the endpoint is gone, or its account. */
export async function addWebhook(
  sql: Sql,
  hook: {
    id: string
    endpointId: string
    integrationId: string
    clientId: string | undefined
    provider: string
    plan: HookPlan
    functionsUrl: string
    secretJwe: string
  },
): Promise<boolean> {
  const { id, endpointId, integrationId, clientId, provider, plan, functionsUrl, secretJwe } = hook
  const rows = await sql`
    insert into patchbay.webhooks (
      id, endpoint_id, integration_id, client_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe
    )
    select ${id}::uuid, e.id, i.id, ${clientId ?? null}::text, ${provider}, e.endpoint_type, e.endpoint_config, ${plan.key},
      ${toJson(plan.params)}::text::jsonb, ${functionsUrl}, ${secretJwe}
    from public.endpoints e
    join public.integrations i on i.id = e.integration_id
    where e.id = ${endpointId}::uuid and i.id = ${integrationId}::uuid
    returning 1`
  return rows.length > 0
}

/** Writes down that the provider made a hook, and retires the one before. False: it is not wanted any more. */
export async function activateWebhook(
  sql: Sql,
  id: string,
  { external, expiresAt }: { external: Json; expiresAt: number },
): Promise<boolean> {
  const [row] = await sql<[{ wanted: boolean }]>`
    select patchbay.activate_webhook(
      ${id}::uuid, ${toJson(external)}::text::jsonb, ${new Date(expiresAt).toISOString()}::text::timestamptz
    ) as wanted`
  return row.wanted
}

/** Writes down that the provider did not make a hook. */
export async function failWebhook(sql: Sql, id: string, errorCode: string): Promise<void> {
  await sql`
    update patchbay.webhooks set state = 'failed', last_error_code = ${errorCode}
    where id = ${id}::uuid and state = 'creating'`
}

/** `idle`: there is nothing to look at before the endpoint or its account changes. */
export async function finishWatch(
  sql: Sql,
  endpointId: string,
  end: { idle: boolean; errorCode: string | null; retryAfterMs: number },
): Promise<void> {
  await sql`select patchbay.finish_watch(
    ${endpointId}::uuid, ${end.idle}, ${end.errorCode}, ${Math.ceil(end.retryAfterMs)}::bigint * interval '1 millisecond')`
}

/** Undefined: there is no such hook, or it is in use. */
export async function findRetiredWebhook(sql: Sql, id: string): Promise<RetiredWebhook | undefined> {
  interface Row {
    integration_id: string | null
    status: Behind['status'] | null
    client_id: string | null
    endpoint_type: string
    endpoint_config: unknown
    params: Json
    made: boolean
    external: Json
    expires_at: Date | null
    replaced_at: Date
  }
  const [row] = await sql<Row[]>`
    select w.endpoint_type, w.endpoint_config, w.params, w.external is not null as made, w.external, w.expires_at, w.replaced_at,
      w.integration_id, i.status, w.client_id
    from patchbay.webhooks w
    left join public.integrations i on i.id = w.integration_id
    where w.id = ${id}::uuid and w.replaced_at is not null`
  return (
    row && {
      id,
      endpointType: row.endpoint_type,
      config: row.endpoint_config,
      params: row.params,
      external: row.made ? row.external : undefined,
      expiresAt: row.expires_at,
      retiredAt: row.replaced_at,
      clientId: row.client_id ?? undefined,
      integrationId: row.integration_id,
      status: row.status,
    }
  )
}

/** Forgets a hook that is to be stopped, unless the provider has made it since it was read. */
export async function deleteWebhook(sql: Sql, { id, external }: Pick<RetiredWebhook, 'id' | 'external'>): Promise<void> {
  await sql`
    delete from patchbay.webhooks
    where id = ${id}::uuid and replaced_at is not null and (${external !== undefined} or external is null)`
}

export async function noteStopFailure(sql: Sql, id: string, errorCode: string): Promise<void> {
  await sql`update patchbay.webhooks set last_error_code = ${errorCode} where id = ${id}::uuid`
}

/** Hooks whose secret another key than `otherThan` encrypted, in the order of their ids, after `after`. */
export async function listWebhookSecrets(
  sql: Sql,
  { otherThan, after, limit }: { otherThan: string; after: string | null; limit: number },
): Promise<{ id: string; secretJwe: string }[]> {
  const rows = await sql<{ id: string; secret_jwe: string }[]>`
    select id, secret_jwe from patchbay.webhooks
    where (${after}::uuid is null or id > ${after}::uuid) and patchbay.jwe_key_id(secret_jwe) <> ${otherThan}
    order by id
    limit ${limit}::bigint`
  return rows.map((row) => ({ id: row.id, secretJwe: row.secret_jwe }))
}

/** Writes the same secret in another encryption; it never changes otherwise. */
export async function replaceWebhookSecret(sql: Sql, id: string, secretJwe: string): Promise<void> {
  await sql`update patchbay.webhooks set secret_jwe = ${secretJwe} where id = ${id}::uuid`
}
