import type { Sql } from 'postgres'
import type { Person } from './people.ts'

/**
 * The INSERT of the file connector's guide, with this user's values; run once, the endpoint stays. It goes on, should somebody have paused
 * it since.
 */
export async function createEndpoint(
  sql: Sql,
  person: Person,
  { number, endpointType, config }: { number: number; endpointType: string; config: Record<string, unknown> },
): Promise<string> {
  const name = `Project ${String(number).padStart(4, '0')}`
  const [known] = await sql<{ id: string }[]>`
    update endpoints set enabled = true
    where user_id = ${person.id}::uuid and name = ${name} and endpoint_type = ${endpointType}
    returning id`
  if (known) return known.id
  const [created] = await sql<{ id: string }[]>`
    INSERT INTO endpoints (
        name,
        endpoint_type,
        project_id,
        user_id,
        endpoint_config
    ) VALUES (
        ${name},
        ${endpointType},
        ${name.toLowerCase().replace(' ', '_')},
        ${person.id}::uuid,
        ${JSON.stringify(config)}::text::jsonb
    )
    RETURNING id`
  if (!created) throw new Error('The endpoint was not created.')
  return created.id
}

/** What the endpoint's runs have read since `since`, and how the last of them ended. */
export interface SyncState {
  finished: boolean
  runs: number
  fetched: number
  error: string | null
}

/** Reads it as the user's app would: through supabase-js, under row level security. */
export async function readSyncState(person: Person, endpointId: string, since: string): Promise<SyncState> {
  const endpoint = await person.supabase.from('endpoints').select('last_sync_status, last_sync_at').eq('id', endpointId).single()
  if (endpoint.error) throw new Error(`The endpoint cannot be read: ${endpoint.error.message}`)
  const runs = await person.supabase
    .from('sync_logs')
    .select('fetched, status, error_message, started_at')
    .eq('endpoint_id', endpointId)
    .gte('started_at', since)
    .order('started_at', { ascending: false })
  if (runs.error) throw new Error(`The run log cannot be read: ${runs.error.message}`)
  const { last_sync_status, last_sync_at } = endpoint.data
  return {
    finished: runs.data.length > 0 && last_sync_at >= since && !['pending', 'running', 'partial'].includes(last_sync_status),
    runs: runs.data.length,
    fetched: runs.data.reduce((sum, run) => sum + Number(run.fetched), 0),
    error: runs.data.find((run) => run.status === 'failed' || run.status === 'stopped')?.error_message ?? null,
  }
}
