import type { Sql } from 'postgres'
import { z } from 'zod'
import type { EndpointRow } from '../shared/endpoints/endpoint-row.ts'
import { PatchbayError } from '../shared/errors.ts'

/** Which endpoints; what is undefined does not matter. */
export interface EndpointFilter {
  user?: string | undefined
  type?: string | undefined
  status?: string | undefined
}

/** What an operator does with an endpoint, and the database's function for it. */
export const actions = {
  pause: 'pause_endpoint',
  resume: 'resume_endpoint',
  sync: 'sync_endpoint',
  cancel: 'cancel_sync',
  resync: 'resync_endpoint',
  'confirm-deletions': 'confirm_deletions',
} as const

export type Action = keyof typeof actions

/** Endpoints of all users, by name. */
export async function listEndpoints(sql: Sql, { user, type, status }: EndpointFilter): Promise<EndpointRow[]> {
  const rows = await sql<{ endpoint: EndpointRow }[]>`
    select to_jsonb(e) as endpoint from public.endpoints e
    where (${user ?? null}::uuid is null or e.user_id = ${user ?? null}::uuid)
      and (${type ?? null}::text is null or e.endpoint_type = ${type ?? null}::text)
      and (${status ?? null}::text is null or e.last_sync_status = ${status ?? null}::text)
    order by e.name, e.id`
  return rows.map(({ endpoint }) => endpoint)
}

/** The endpoint with this id, or the only one of this name. Throws `not_found`, and `invalid_request` where several have the name. */
export async function findEndpoint(sql: Sql, idOrName: string): Promise<EndpointRow> {
  const id = z.guid().safeParse(idOrName).success ? idOrName : null
  const rows = await sql<{ endpoint: EndpointRow }[]>`
    select to_jsonb(e) as endpoint from public.endpoints e
    where e.id = ${id}::uuid or (${id}::uuid is null and e.name = ${idOrName})
    order by e.created_at, e.id
    limit 10`
  const [only, ...others] = rows.map(({ endpoint }) => endpoint)
  if (!only) {
    throw new PatchbayError('not_found', `There is no endpoint with the id or the name ${JSON.stringify(idOrName)}.`, {
      hint: 'npm run endpoint -- list shows them.',
    })
  }
  if (others.length === 0) return only
  const ids = [only, ...others].map((endpoint) => endpoint.id).join(', ')
  throw new PatchbayError('invalid_request', `Several endpoints have this name: ${ids}.`, { hint: 'Say which one, by its id.' })
}

/** Throws what the database refuses. */
export async function actOnEndpoint(sql: Sql, action: Action, endpointId: string): Promise<EndpointRow> {
  const [row] = await sql<[{ endpoint: EndpointRow }]>`
    select to_jsonb(e) as endpoint from ${sql(`public.${actions[action]}`)}(${endpointId}::uuid) e`
  return row.endpoint
}
