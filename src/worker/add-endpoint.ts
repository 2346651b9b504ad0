import type { Sql, TransactionSql } from 'postgres'
import { z } from 'zod'
import type { EndpointRow } from '../shared/endpoints/endpoint-row.ts'
import { integrationFor } from '../shared/endpoints/find-endpoint.ts'
import { testEndpoint } from '../shared/endpoints/test-endpoint.ts'
import { PatchbayError, errorCodes } from '../shared/errors.ts'
import { streamFor } from '../shared/providers/registry.ts'
import type { Runtime } from '../shared/runtime.ts'

/** The columns of an endpoint that an operator sets; what is left out gets its default, or stays. */
export const EndpointInput = z.strictObject({
  user_id: z.guid(),
  name: z.string().trim().min(1).max(200),
  endpoint_type: z.string().min(1),
  project_id: z.string().min(1).optional(),
  description: z.string().nullable().optional(),
  enabled: z.boolean().optional(),
  schedule_type: z.enum(['interval', 'cron']).optional(),
  schedule_cron: z.string().optional(),
  interval_minutes: z.int().min(1).nullable().optional(),
  time_zone: z.string().optional(),
  file_types: z.array(z.string()).nullable().optional(),
  max_files_per_sync: z.int().min(1).nullable().optional(),
  endpoint_config: z.record(z.string(), z.unknown()).optional(),
  tags: z.array(z.string()).optional(),
  integration_id: z.guid().optional(),
  delete_guard_percent: z.int().min(0).max(100).optional(),
})
export type EndpointInput = z.output<typeof EndpointInput>

/** As it was asked for, and still to be checked. */
export type EndpointDraft = Partial<Record<keyof EndpointInput, unknown>>

export interface AddedEndpoint {
  outcome: 'created' | 'changed' | 'unchanged'
  endpoint: EndpointRow
}

/** Throws `invalid_request`, which names the field, and `unknown_provider` for an endpoint_type that does not exist. */
export function parseEndpoint(draft: unknown): EndpointInput {
  const parsed = EndpointInput.safeParse(draft, { reportInput: true })
  if (parsed.success) {
    streamFor(parsed.data.endpoint_type)
    return parsed.data
  }
  const [issue] = parsed.error.issues
  const field = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue?.path.join('.') || 'the endpoint'
  const problem = issue?.code === 'unrecognized_keys' ? 'is no column that can be set' : `is ${problemOf(issue)}`
  throw new PatchbayError('invalid_request', `${field} ${problem}.`, {
    context: { field },
    hint: `These can be set: ${Object.keys(EndpointInput.shape).join(', ')}.`,
  })
}

function problemOf(issue: z.core.$ZodIssue | undefined): string {
  return issue?.code === 'invalid_type' && issue.input === undefined ? 'missing' : `wrong: ${issue?.message}`
}

/** A field of a draft that is needed before all of it is checked. Throws `invalid_request`. */
export function requireText(field: keyof EndpointInput, value: unknown): string {
  if (typeof value === 'string') return value
  throw new PatchbayError('invalid_request', `${field} must be a text.`, { context: { field } })
}

/** The id of a user who is given by it, or by an e-mail address. Throws `invalid_request`. */
export async function findUser(sql: Sql, idOrEmail: string): Promise<string> {
  const id = z.guid().safeParse(idOrEmail).success ? idOrEmail : null
  const [user] = await sql<{ id: string }[]>`
    select id from auth.users where id = ${id}::uuid or (${id}::uuid is null and lower(email) = lower(${idOrEmail}))`
  if (user) return user.id
  throw new PatchbayError('invalid_request', 'There is no such user.', {
    context: { field: 'user_id' },
    hint: 'Give the UUID or the e-mail address of one in auth.users.',
  })
}

/**
 * Tries the settings before they are saved. Throws what the provider refuses of them; gives what keeps them from working for now, such as
 * an account that is not connected yet. Null: they work.
 */
export async function tryEndpoint(runtime: Runtime, input: EndpointInput): Promise<string | null> {
  const { provider } = streamFor(input.endpoint_type)
  const config = input.endpoint_config ?? {}
  const integration = await integrationFor(runtime.sql, input.user_id, provider, config, input.integration_id)
  const settings = { endpointType: input.endpoint_type, config, fileTypes: input.file_types ?? null, integration }
  let failure: PatchbayError | undefined
  await testEndpoint(runtime, settings, (error) => {
    failure = error
    return { message: error.message, hint: error.hint ?? null }
  })
  if (!failure) return null
  if (errorCodes[failure.code].outcome === 'rejected') throw failure
  return [failure.message, failure.hint].filter(Boolean).join(' ')
}

/**
 * Adds the endpoint, or changes the one that this user has with this name and type, which is what makes running it again harmless. Throws
 * what the database refuses.
 */
export async function addEndpoint(sql: Sql, input: EndpointInput): Promise<AddedEndpoint> {
  return sql.begin(async (tx) => {
    const { user_id: userId, endpoint_type: type, name } = input
    // Two at a time would both find none. The lock ends with the transaction, in which nothing else is waited for.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`${userId} ${type} ${name}`}, 0))`
    const [known] = await tx<{ id: string }[]>`
      select id from public.endpoints
      where user_id = ${userId}::uuid and endpoint_type = ${type} and name = ${name}
      order by created_at limit 1`
    if (!known) return { outcome: 'created', endpoint: await insert(tx, input) } as const
    const changed = await update(tx, known.id, input)
    if (changed) return { outcome: 'changed', endpoint: changed } as const
    const [row] = await tx<[{ endpoint: EndpointRow }]>`
      select to_jsonb(e) as endpoint from public.endpoints e where e.id = ${known.id}::uuid`
    return { outcome: 'unchanged', endpoint: row.endpoint } as const
  })
}

async function insert(sql: TransactionSql, input: EndpointInput): Promise<EndpointRow> {
  const values = { project_id: slug(input.name), ...input }
  const columns = Object.keys(values)
  const [row] = await sql<[{ endpoint: EndpointRow }]>`
    insert into public.endpoints as e (${sql(columns)})
    select ${sql(columns)} from jsonb_populate_record(null::public.endpoints, ${JSON.stringify(values)}::text::jsonb)
    returning to_jsonb(e) as endpoint`
  return row.endpoint
}

/** Undefined: it is as it should be already. */
async function update(sql: TransactionSql, id: string, { user_id: _user, endpoint_type: _type, ...values }: EndpointInput) {
  const columns = Object.keys(values)
  const from = (table: string) => sql(columns.map((column) => `${table}.${column}`))
  const [row] = await sql<{ endpoint: EndpointRow }[]>`
    update public.endpoints e set (${sql(columns)}) = (select ${from('wanted')})
    from jsonb_populate_record(null::public.endpoints, ${JSON.stringify(values)}::text::jsonb) wanted
    where e.id = ${id}::uuid and (${from('e')}) is distinct from (${from('wanted')})
    returning to_jsonb(e) as endpoint`
  return row?.endpoint
}

/** As in `project_0001`. */
function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_')
}
