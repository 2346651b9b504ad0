import type { Sql } from 'postgres'

/**
 * Makes a project with `count` endpoints of as many as `users` users, none of which is due. `sql` is the superuser's.
 */
export async function fillEndpoints(sql: Sql, { count, users }: { count: number; users: number }): Promise<void> {
  await sql`insert into auth.users (id, email) select gen_random_uuid(), i || '@example.com' from generate_series(1, ${users}::int) i`
  await sql`
    insert into public.integrations (user_id, provider, account_id, status)
    select id, 'google-drive', id, 'connected' from auth.users`
  // What else a new endpoint asks for is not of interest here.
  await sql`set session_replication_role = replica`
  await sql`
    with account as materialized (select row_number() over () as number, id, user_id from public.integrations)
    insert into public.endpoints (name, endpoint_type, project_id, user_id, integration_id, next_sync_at)
    select 'Bench', 'google_drive', 'bench', account.user_id, account.id, now() + interval '1 day' + i * interval '1 second'
    from generate_series(1, ${count}::int) i
    join account on account.number = 1 + i % ${users}::int`
  await sql`set session_replication_role = origin`
  await sql`vacuum analyze public.endpoints, public.integrations, pgboss.job_common`
}
