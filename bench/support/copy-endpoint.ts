import type { Sql } from 'postgres'

/** Makes `count` endpoints like the only one, which stand where it stands; none is due. `sql` is the superuser's. */
export async function copyEndpoint(sql: Sql, count: number): Promise<void> {
  await sql`update public.endpoints set next_sync_at = 'infinity'`
  // What else a new endpoint asks for is not of interest here.
  await sql`set session_replication_role = replica`
  await sql`
    with original as (select * from public.endpoints),
    copy as (
      insert into public.endpoints (
        name, endpoint_type, project_id, user_id, integration_id, endpoint_config, max_files_per_sync, interval_minutes, next_sync_at
      )
      select
        'Copy ' || i, endpoint_type, project_id, user_id, integration_id, endpoint_config, max_files_per_sync, 1440, 'infinity'
      from original, generate_series(1, ${count}::int) i
      returning id
    )
    insert into patchbay.sync_state (endpoint_id, cursor, pass)
    select copy.id, s.cursor, s.pass from copy, patchbay.sync_state s`
  await sql`set session_replication_role = origin`
}
