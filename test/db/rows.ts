import { randomUUID } from 'node:crypto'
import type { Sql } from 'postgres'

/** What a test of the schema needs to have lying about. */

export async function addUser(sql: Sql): Promise<string> {
  const id = randomUUID()
  await sql`insert into auth.users ${sql({ id, email: `${id}@example.com` })}`
  return id
}

interface AccountOptions {
  accountId?: string
  /** An interval from now, in Postgres' words, or `infinity`. */
  expiresIn?: string
}

/** Connects an account, as the OAuth callback does. */
export async function connectAccount(
  sql: Sql,
  userId: string,
  { accountId = 'account-1', expiresIn = '1 hour' }: AccountOptions = {},
): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select patchbay.reserve_integration(${userId}, 'google-drive', 'authorization_code', ${accountId}, ${`${accountId}@example.com`}) as id`
  if (row === undefined) throw new Error('reserve_integration returned nothing')
  const expiresAt = expiresIn === 'infinity' ? sql`'infinity'::timestamptz` : sql`now() + ${expiresIn}::interval`
  await sql`select patchbay.connect_integration(
    ${row.id}, 'authorization_code', array['drive.readonly'], jsonb_build_array(jsonb_build_object(
      'name', 'primary', 'access_token_jwe', 'e30..aXY.Y2lwaGVy.dGFn', 'refresh_token_jwe', 'e30..aXY.Y2lwaGVy.dGFn',
      'token_type', 'Bearer', 'expires_at', ${expiresAt}, 'refresh_due_at', 'infinity')))`
  return row.id
}

export async function addEndpoint(sql: Sql, userId: string, columns: Record<string, unknown> = {}): Promise<string> {
  const values = { name: 'Plans', endpoint_type: 'google_drive', project_id: 'project_0001', user_id: userId, ...columns }
  const [row] = await sql<{ id: string }[]>`insert into public.endpoints ${sql(values as Record<string, string>)} returning id`
  if (row === undefined) throw new Error('The endpoint was not inserted')
  return row.id
}

export async function addFile(
  sql: Sql,
  endpointId: string,
  userId: string,
  columns: Record<string, unknown> = {},
): Promise<void> {
  const id = randomUUID()
  const values = {
    endpoint_id: endpointId,
    user_id: userId,
    external_file_id: id,
    file_name: `${id}.pdf`,
    file_link: `https://example.com/${id}`,
    ...columns,
  }
  await sql`insert into public.files ${sql(values as Record<string, string>)}`
}
