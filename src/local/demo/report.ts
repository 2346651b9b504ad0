import type { Sql } from 'postgres'
import type { Person } from './people.ts'

/** What one user sees. */
export interface PersonView {
  email: string
  files: number
  someFiles: { file_path: string; file_size: number | null; mime_type: string | null }[]
  /** Newest first. */
  runs: RunRow[]
  tokens: TokenRow[]
}

type RunRow = {
  endpoint: string
  started_at: string
  pass: string
  status: string
  fetched: number
  inserted: number
  updated: number
  deleted: number
  requests: number
}

type TokenRow = {
  name: string
  endpoint_type: string
  enabled: boolean
  last_sync_status: string
  token_status: string
}

/** Reads files and runs through supabase-js, and the token status by the file connector's monitoring query in the user's role. */
export async function readAsPerson(sql: Sql, person: Person): Promise<PersonView> {
  const { supabase } = person
  const count = await supabase.from('files').select('*', { count: 'exact', head: true })
  const files = await supabase
    .from('files')
    .select('file_path, file_size, mime_type')
    .order('external_updated_at', { ascending: false })
    .limit(5)
  const runs = await supabase
    .from('sync_logs')
    .select('endpoint_id, started_at, pass, status, fetched, inserted, updated, deleted, requests')
    .order('started_at', { ascending: false })
    .limit(5)
  const endpoints = await supabase.from('endpoints').select('id, name')
  const failed = count.error ?? files.error ?? runs.error ?? endpoints.error
  if (failed) throw new Error(`${person.email} cannot read: ${failed.message}`)
  const names = new Map(endpoints.data?.map(({ id, name }) => [id, name]))
  return {
    email: person.email,
    files: count.count ?? 0,
    someFiles: files.data ?? [],
    runs: (runs.data ?? []).map(({ endpoint_id: id, ...run }) => ({ endpoint: names.get(id), ...run })),
    tokens: await tokenStatus(sql, person),
  }
}

/** How many files the person has through these endpoints. */
export async function countFiles({ email, supabase }: Person, endpointIds: readonly string[]): Promise<number> {
  const { count, error } = await supabase
    .from('files')
    .select('*', { count: 'exact', head: true })
    .in('endpoint_id', [...endpointIds])
  if (error) throw new Error(`${email} cannot read: ${error.message}`)
  return count ?? 0
}

async function tokenStatus(sql: Sql, person: Person): Promise<TokenRow[]> {
  return sql.begin(async (transaction) => {
    const claims = JSON.stringify({ sub: person.id, role: 'authenticated' })
    await transaction`select set_config('request.jwt.claims', ${claims}, true), set_config('role', 'authenticated', true)`
    return [
      ...(await transaction<TokenRow[]>`
        SELECT
            e.name,
            e.endpoint_type,
            e.enabled,
            e.last_sync_status,
            CASE
                WHEN t.expires_at > NOW() THEN 'Valid'
                WHEN t.expires_at IS NOT NULL THEN 'Expired'
                ELSE 'No Token'
            END as token_status
        FROM endpoints e
        LEFT JOIN oauth_tokens t ON e.id = t.endpoint_id AND t.is_active = true`),
    ]
  })
}
