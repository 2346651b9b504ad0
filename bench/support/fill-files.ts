import type { Sql } from 'postgres'

/**
 * Fills `public.files` with rows of many users, each user's spread over the whole table as syncs at different times leave them. Gives
 * the users' ids. `sql` is the superuser's.
 */
export async function fillFiles(sql: Sql, { rows, users }: { rows: number; users: number }): Promise<string[]> {
  await sql`insert into auth.users (id, email) select gen_random_uuid(), i || '@example.com' from generate_series(1, ${users}::int) i`
  await sql`
    insert into public.endpoints (name, endpoint_type, project_id, user_id)
    select 'Bench', 'google_drive', 'bench', id from auth.users`
  // Not to look up the endpoint of each row: it is there.
  await sql`set session_replication_role = replica`
  await sql`
    with owner as materialized (
      select row_number() over (order by id) - 1 as number, id as endpoint_id, user_id from public.endpoints
    )
    insert into public.files (
      endpoint_id, user_id, external_file_id, external_parent_id, file_name, file_path, file_link, file_size, file_type, mime_type,
      external_created_at, external_updated_at, file_metadata
    )
    select
      owner.endpoint_id, owner.user_id, md5(i::text), md5((i / 10)::text), 'plan-' || i || '.pdf', '/drawings/level-' || i % 40 || '/plan-' || i || '.pdf',
      'https://drive.google.com/file/d/' || md5(i::text) || '/view', i, 'pdf', 'application/pdf', now() - interval '2 years',
      now() - abs(hashint4(i)::bigint) % 31536000 * interval '1 second', jsonb_build_object('md5Checksum', md5(i::text))
    from generate_series(1, ${rows}::int) i
    join owner on owner.number = i % ${users}::int`
  await sql`set session_replication_role = origin`
  await sql`vacuum analyze public.files`
  const owners = await sql<{ user_id: string }[]>`select distinct user_id from public.files`
  return owners.map((owner) => owner.user_id)
}
