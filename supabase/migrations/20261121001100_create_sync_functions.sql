-- Takes over an endpoint's run: a new one, or the one whose worker has died. Raises the fence, so that the worker before can
-- write nothing more. No row: the endpoint is gone, or has no account.
-- Whoever writes an endpoint's state locks its row in public.endpoints first, as a change or deletion by its owner does: in one order,
-- nobody waits for each other.
create function patchbay.claim_run(p_endpoint_id uuid)
returns table (
  run_id uuid,
  fence bigint,
  cursor jsonb,
  -- How many items the run has read already.
  fetched bigint,
  endpoint_type text,
  endpoint_config jsonb,
  file_types jsonb,
  max_files_per_sync integer,
  enabled boolean,
  schedule_type text,
  schedule_cron text,
  interval_minutes integer,
  time_zone text,
  integration_id uuid,
  -- A list of texts.
  scopes jsonb
)
language plpgsql
set search_path = ''
as $$
declare
  v_endpoint public.endpoints;
  v_state patchbay.sync_state;
begin
  select * into v_endpoint from public.endpoints where id = p_endpoint_id for no key update;
  if v_endpoint.integration_id is null then
    return;
  end if;

  insert into patchbay.sync_state as s (endpoint_id, fence) values (p_endpoint_id, 1)
  on conflict (endpoint_id) do update set fence = s.fence + 1
  returning * into v_state;

  if v_state.run_id is null then
    insert into public.sync_logs (endpoint_id, user_id, pass, cursor_before, cursor_after)
    values (
      p_endpoint_id, v_endpoint.user_id, case when v_state.cursor is null then 'full' else v_state.pass end, v_state.cursor,
      v_state.cursor
    )
    returning id into v_state.run_id;
    update patchbay.sync_state s set run_id = v_state.run_id where s.endpoint_id = p_endpoint_id;
  end if;

  -- Uses up the wish that led here: only one that comes during the run is still to be fulfilled after it. If the run is lost, the
  -- endpoint is looked at again.
  update public.endpoints
  set last_sync_status = 'running',
    next_sync_at = case when next_sync_at < 'infinity' then pg_catalog.now() + interval '15 minutes' else next_sync_at end
  where id = p_endpoint_id;

  return query
  select
    v_state.run_id, v_state.fence, v_state.cursor, l.fetched, v_endpoint.endpoint_type, v_endpoint.endpoint_config,
    v_endpoint.file_types, v_endpoint.max_files_per_sync, v_endpoint.enabled, v_endpoint.schedule_type,
    v_endpoint.schedule_cron, v_endpoint.interval_minutes, v_endpoint.time_zone, i.id, pg_catalog.to_jsonb(i.scopes)
  from public.sync_logs l
  left join public.integrations i on i.id = v_endpoint.integration_id
  where l.id = v_state.run_id;
end
$$;

-- The run that p_fence stands for, its endpoint and state locked in the order above; PB001 when another worker has taken it over.
create function patchbay.lock_run(p_endpoint_id uuid, p_fence bigint)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_run_id uuid;
begin
  perform from public.endpoints e where e.id = p_endpoint_id for no key update;
  select s.run_id into v_run_id from patchbay.sync_state s
  where s.endpoint_id = p_endpoint_id and s.fence = p_fence and s.run_id is not null
  for update;
  if not found then
    raise exception using errcode = 'PB001', message = 'Another worker has taken over this run.';
  end if;
  return v_run_id;
end
$$;

-- Works out the paths of an endpoint's folders from the roots down, and of the files in folders whose path changed. A folder whose
-- parent is not known is a root of its own when p_orphan_path says where such things are shown, else it has no path.
create function patchbay.rebuild_paths(p_endpoint_id uuid, p_orphan_path text)
returns bigint
language plpgsql
set search_path = ''
-- The planner cannot guess how many rows a recursion gives: a nested loop over a large tree would take minutes.
set enable_nestloop = off
as $$
declare
  v_files bigint;
begin
  with recursive walk as (
    select f.external_folder_id, case when f.is_root then '' else p_orphan_path || '/' || f.name end as path
    from patchbay.folders f
    left join patchbay.folders parent
      on parent.endpoint_id = f.endpoint_id and parent.external_folder_id = f.external_parent_id
    where f.endpoint_id = p_endpoint_id
      and (f.is_root or (p_orphan_path is not null and parent.external_folder_id is null))
    union all
    select child.external_folder_id, walk.path || '/' || child.name
    from walk
    join patchbay.folders child on child.external_parent_id = walk.external_folder_id
    where child.endpoint_id = p_endpoint_id and not child.is_root
  ),
  moved as (
    update patchbay.folders f
    set path = target.path
    from (
      select own.external_folder_id, walk.path
      from patchbay.folders own
      left join walk using (external_folder_id)
      where own.endpoint_id = p_endpoint_id
    ) as target
    where f.endpoint_id = p_endpoint_id
      and f.external_folder_id = target.external_folder_id
      and f.path is distinct from target.path
    returning f.external_folder_id, f.path
  ),
  renamed as (
    update public.files t
    set file_path = moved.path || '/' || t.file_name, updated_at = pg_catalog.now()
    from moved
    where t.endpoint_id = p_endpoint_id
      and t.external_parent_id = moved.external_folder_id
      and moved.path is not null
      and t.file_path is distinct from moved.path || '/' || t.file_name
    returning 1
  )
  select pg_catalog.count(*) into v_files from renamed;
  return v_files;
end
$$;

-- Stores a page's folders. A known folder that is within the endpoint stays listed: its contents are known too. It also keeps its
-- path until the paths are rebuilt, which brings its files along.
create function patchbay.merge_folders(p_endpoint_id uuid, p_folders jsonb)
returns void
language sql
set search_path = ''
as $$
  insert into patchbay.folders as f (endpoint_id, external_folder_id, external_parent_id, name, is_root, listed, path)
  select
    p_endpoint_id, incoming.id, incoming.parent, incoming.name, coalesce(incoming.root, false), incoming.listed,
    case when incoming.root then '' else parent.path || '/' || incoming.name end
  from pg_catalog.jsonb_to_recordset(p_folders) as incoming (id text, parent text, name text, root boolean, listed boolean)
  left join patchbay.folders parent
    on parent.endpoint_id = p_endpoint_id and parent.external_folder_id = incoming.parent
  on conflict (endpoint_id, external_folder_id) do update set
    external_parent_id = excluded.external_parent_id,
    name = excluded.name,
    is_root = excluded.is_root,
    listed = excluded.listed or (f.listed and f.path is not null),
    path = coalesce(f.path, excluded.path)
  where (f.external_parent_id, f.name, f.is_root, f.listed, f.path)
    is distinct from (excluded.external_parent_id, excluded.name, excluded.is_root,
      excluded.listed or (f.listed and f.path is not null), coalesce(f.path, excluded.path))
$$;

-- Removes folders and all below them, and marks their files for deletion.
create function patchbay.remove_folders(p_endpoint_id uuid, p_folder_ids text[])
returns void
language sql
set search_path = ''
as $$
  with recursive gone as (
    select f.external_folder_id
    from patchbay.folders f
    where f.endpoint_id = p_endpoint_id and f.external_folder_id = any (p_folder_ids)
    union
    select child.external_folder_id
    from gone
    join patchbay.folders child
      on child.endpoint_id = p_endpoint_id and child.external_parent_id = gone.external_folder_id
  ),
  marked as (
    insert into patchbay.pending_deletes (endpoint_id, external_file_id)
    select p_endpoint_id, t.external_file_id
    from gone
    join public.files t on t.endpoint_id = p_endpoint_id and t.external_parent_id = gone.external_folder_id
    on conflict do nothing
  )
  delete from patchbay.folders f using gone
  where f.endpoint_id = p_endpoint_id and f.external_folder_id = gone.external_folder_id
$$;

-- Merges the files of a page: one statement inserts, updates what differs, and leaves the rest untouched.
create function patchbay.merge_files(
  p_endpoint_id uuid, p_files jsonb, p_orphan_path text, out inserted bigint, out updated bigint, out unchanged bigint
)
language plpgsql
set search_path = ''
as $$
begin
  with incoming as materialized (
    select f.*, coalesce(d.path, p_orphan_path) || '/' || f.name as path
    from pg_catalog.jsonb_to_recordset(p_files) as f (
      id text, parent text, name text, link text, size bigint, type text, mime text, created timestamptz, updated timestamptz,
      metadata jsonb
    )
    left join patchbay.folders d on d.endpoint_id = p_endpoint_id and d.external_folder_id = f.parent
    where coalesce(d.path, p_orphan_path) is not null
  ),
  merged as (
    insert into public.files as t (
      endpoint_id, user_id, external_file_id, external_parent_id, file_name, file_path, file_link, file_size, file_type, mime_type,
      external_created_at, external_updated_at, file_metadata
    )
    select
      p_endpoint_id, e.user_id, i.id, i.parent, i.name, i.path, i.link, i.size, i.type, i.mime, i.created, i.updated, i.metadata
    from incoming i
    join public.endpoints e on e.id = p_endpoint_id
    on conflict (endpoint_id, external_file_id) do update set
      external_parent_id = excluded.external_parent_id,
      file_name = excluded.file_name,
      file_path = excluded.file_path,
      file_link = excluded.file_link,
      file_size = excluded.file_size,
      file_type = excluded.file_type,
      mime_type = excluded.mime_type,
      external_created_at = excluded.external_created_at,
      external_updated_at = excluded.external_updated_at,
      file_metadata = excluded.file_metadata,
      updated_at = pg_catalog.now()
    where (
      t.external_parent_id, t.file_name, t.file_path, t.file_link, t.file_size, t.file_type, t.mime_type, t.external_created_at,
      t.external_updated_at, t.file_metadata
    ) is distinct from (
      excluded.external_parent_id, excluded.file_name, excluded.file_path, excluded.file_link, excluded.file_size,
      excluded.file_type, excluded.mime_type, excluded.external_created_at, excluded.external_updated_at, excluded.file_metadata
    )
    -- A row that was there before carries the lock of this transaction in xmax.
    returning (t.xmax = 0) as is_new
  )
  select
    pg_catalog.count(*) filter (where is_new),
    pg_catalog.count(*) filter (where not is_new),
    (select pg_catalog.count(*) from incoming) - pg_catalog.count(*)
  into inserted, updated, unchanged
  from merged;
end
$$;

-- What a full pass over the endpoint has not seen.
create function patchbay.list_unseen(p_endpoint_id uuid, out files uuid[], out folders text[])
language plpgsql
set search_path = ''
-- The planner cannot guess how many ids the pages hold: a nested loop over a large endpoint would take minutes.
set enable_nestloop = off
as $$
begin
  select pg_catalog.array_agg(t.id) into files
  from public.files t
  where t.endpoint_id = p_endpoint_id
    and not exists (
      select from (
        select pg_catalog.unnest(p.file_ids) as id from patchbay.seen_pages p where p.endpoint_id = p_endpoint_id
      ) seen
      where seen.id = t.external_file_id
    );

  select pg_catalog.array_agg(f.external_folder_id) into folders
  from patchbay.folders f
  where f.endpoint_id = p_endpoint_id
    and not exists (
      select from (
        select pg_catalog.unnest(p.folder_ids) as id from patchbay.seen_pages p where p.endpoint_id = p_endpoint_id
      ) seen
      where seen.id = f.external_folder_id
    );
end
$$;

-- Deletes what a finished pass found gone, unless that is more than the endpoint's guard allows: then nothing is deleted and
-- stopped_at says how many rows it would have been.
create function patchbay.delete_gone(
  p_endpoint_id uuid, p_pass text, out deleted bigint, out stopped_at bigint
)
language plpgsql
set search_path = ''
as $$
declare
  v_gone uuid[];
  v_gone_folders text[];
  v_total bigint;
  v_percent integer;
  v_confirmed boolean;
begin
  deleted := 0;

  if p_pass = 'full' then
    select u.files, u.folders into v_gone, v_gone_folders from patchbay.list_unseen(p_endpoint_id) u;
  else
    select pg_catalog.array_agg(t.id) into v_gone
    from patchbay.pending_deletes d
    join public.files t on t.endpoint_id = d.endpoint_id and t.external_file_id = d.external_file_id
    where d.endpoint_id = p_endpoint_id;
  end if;

  if v_gone is not null then
    select e.delete_guard_percent, e.deletions_confirmed_at is not null into v_percent, v_confirmed
    from public.endpoints e where e.id = p_endpoint_id;

    if pg_catalog.cardinality(v_gone) > 100 and not v_confirmed then
      select pg_catalog.count(*) into v_total from public.files t where t.endpoint_id = p_endpoint_id;
      if pg_catalog.cardinality(v_gone) * 100 > v_total * v_percent then
        stopped_at := pg_catalog.cardinality(v_gone);
        return;
      end if;
    end if;

    delete from public.files t where t.id = any (v_gone);
    get diagnostics deleted = row_count;
  end if;

  delete from patchbay.folders f where f.endpoint_id = p_endpoint_id and f.external_folder_id = any (v_gone_folders);
  -- Good for one pass, whether it was needed or not.
  update public.endpoints e set deletions_confirmed_at = null
  where e.id = p_endpoint_id and e.deletions_confirmed_at is not null;
end
$$;

-- Forgets what a pass collected for its end.
create function patchbay.forget_pass(p_endpoint_id uuid)
returns void
language sql
set search_path = ''
as $$
  delete from patchbay.seen_pages where endpoint_id = p_endpoint_id;
  delete from patchbay.pending_deletes where endpoint_id = p_endpoint_id;
$$;

-- Merges one page, moves the cursor and counts, in one transaction. p_page:
--   pass 'full' | 'changes', first boolean (begins a pass), more boolean (false: ends it), folders [], files [], removed [], listed [],
--   rebuild_paths boolean, orphan_path text | null, next {}, fetched, requests, bytes, receipt text
-- proceed is false when the run must end here: the endpoint was paused, or the delete guard stopped it.
create function patchbay.merge_page(
  p_endpoint_id uuid,
  p_fence bigint,
  p_page jsonb,
  out inserted bigint,
  out updated bigint,
  out unchanged bigint,
  out deleted bigint,
  out stopped_at bigint,
  out proceed boolean
)
language plpgsql
set search_path = ''
as $$
declare
  v_run_id uuid;
  v_full boolean := p_page ->> 'pass' = 'full';
  v_ends boolean := not (p_page ->> 'more')::boolean;
  v_orphan_path text := p_page ->> 'orphan_path';
  v_removed text[];
  v_next jsonb := p_page -> 'next';
  v_renamed bigint := 0;
  v_folders_changed boolean := p_page -> 'folders' <> '[]';
  v_files record;
begin
  -- Tells the caller that the whole statement is here: from now on it ends, with or without its caller.
  raise info 'patchbay page %', p_page ->> 'receipt';

  v_run_id := patchbay.lock_run(p_endpoint_id, p_fence);

  if (p_page ->> 'first')::boolean then
    perform patchbay.forget_pass(p_endpoint_id);
    -- A folder that is found again is read again.
    update patchbay.folders f set listed = false, path = case when f.is_root then '' end
    where f.endpoint_id = p_endpoint_id and (f.listed or f.path is not null) and v_orphan_path is null;
  end if;

  if p_page -> 'folders' <> '[]' then
    perform patchbay.merge_folders(p_endpoint_id, p_page -> 'folders');
  end if;

  if p_page -> 'removed' <> '[]' then
    v_removed := array(select pg_catalog.jsonb_array_elements_text(p_page -> 'removed'));
    v_folders_changed := v_folders_changed or exists (
      select from patchbay.folders f where f.endpoint_id = p_endpoint_id and f.external_folder_id = any (v_removed)
    );
    perform patchbay.remove_folders(p_endpoint_id, v_removed);
    insert into patchbay.pending_deletes (endpoint_id, external_file_id)
    select distinct p_endpoint_id, removed.id from pg_catalog.unnest(v_removed) as removed (id)
    join public.files t on t.endpoint_id = p_endpoint_id and t.external_file_id = removed.id
    on conflict do nothing;
  end if;

  -- Removed files leave the tree as it is.
  if (p_page ->> 'rebuild_paths')::boolean and v_folders_changed then
    v_renamed := patchbay.rebuild_paths(p_endpoint_id, v_orphan_path);
    -- What lost its way to the root is no longer covered.
    perform patchbay.remove_folders(p_endpoint_id, array(
      select f.external_folder_id from patchbay.folders f where f.endpoint_id = p_endpoint_id and f.path is null
    ));
  end if;

  if p_page -> 'listed' <> '[]' then
    update patchbay.folders f set listed = true
    where f.endpoint_id = p_endpoint_id
      and f.external_folder_id in (select pg_catalog.jsonb_array_elements_text(p_page -> 'listed'));
  end if;

  select * into v_files from patchbay.merge_files(p_endpoint_id, p_page -> 'files', v_orphan_path);
  inserted := v_files.inserted;
  updated := v_files.updated + v_renamed;
  unchanged := v_files.unchanged;

  if v_full then
    insert into patchbay.seen_pages (endpoint_id, file_ids, folder_ids)
    values (
      p_endpoint_id,
      array(select f ->> 'id' from pg_catalog.jsonb_array_elements(p_page -> 'files') f),
      array(select f ->> 'id' from pg_catalog.jsonb_array_elements(p_page -> 'folders') f)
    );
  elsif p_page -> 'files' <> '[]' then
    -- Moved out of a folder endpoint: no row of it may stay. Gone and back again: it stays.
    insert into patchbay.pending_deletes (endpoint_id, external_file_id)
    select p_endpoint_id, t.external_file_id
    from pg_catalog.jsonb_to_recordset(p_page -> 'files') as f (id text, parent text)
    join public.files t on t.endpoint_id = p_endpoint_id and t.external_file_id = f.id
    left join patchbay.folders d on d.endpoint_id = p_endpoint_id and d.external_folder_id = f.parent
    where coalesce(d.path, v_orphan_path) is null
    on conflict do nothing;
    delete from patchbay.pending_deletes g
    using pg_catalog.jsonb_to_recordset(p_page -> 'files') as f (id text, parent text)
    left join patchbay.folders d on d.endpoint_id = p_endpoint_id and d.external_folder_id = f.parent
    where g.endpoint_id = p_endpoint_id and g.external_file_id = f.id and coalesce(d.path, v_orphan_path) is not null;
  end if;

  deleted := 0;
  if v_ends then
    select g.deleted, g.stopped_at into deleted, stopped_at
    from patchbay.delete_gone(p_endpoint_id, p_page ->> 'pass') g;
    perform patchbay.forget_pass(p_endpoint_id);
    if stopped_at is not null then
      -- Whoever confirms gets a fresh full pass, and so does a provider that has recovered by then.
      v_next := null;
    end if;
  end if;

  update patchbay.sync_state s set cursor = v_next, pass = case when v_ends then 'changes' else p_page ->> 'pass' end
  where s.endpoint_id = p_endpoint_id and s.cursor is distinct from v_next;

  update public.sync_logs l set
    pass = case when v_full then 'full' else l.pass end,
    fetched = l.fetched + (p_page ->> 'fetched')::bigint,
    inserted = l.inserted + merge_page.inserted,
    updated = l.updated + merge_page.updated,
    unchanged = l.unchanged + merge_page.unchanged,
    deleted = l.deleted + merge_page.deleted,
    requests = l.requests + (p_page ->> 'requests')::bigint,
    bytes = l.bytes + (p_page ->> 'bytes')::bigint,
    cursor_after = v_next
  where l.id = v_run_id;

  select e.enabled and merge_page.stopped_at is null into proceed from public.endpoints e where e.id = p_endpoint_id;
end
$$;

-- Ends a run. The next one is due at p_next_sync_at, or at once when somebody asked for that during the run.
create function patchbay.finish_run(
  p_endpoint_id uuid,
  p_fence bigint,
  p_status text,
  p_error_code text,
  p_error_message text,
  p_requests bigint,
  p_bytes bigint,
  p_next_sync_at timestamptz
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run_id uuid;
begin
  v_run_id := patchbay.lock_run(p_endpoint_id, p_fence);

  update patchbay.sync_state s set run_id = null where s.endpoint_id = p_endpoint_id;
  update public.sync_logs l set
    status = p_status,
    error_code = p_error_code,
    error_message = p_error_message,
    requests = l.requests + p_requests,
    bytes = l.bytes + p_bytes,
    finished_at = pg_catalog.clock_timestamp()
  where l.id = v_run_id;
  update public.endpoints e set
    last_sync_status = p_status,
    last_sync_at = pg_catalog.clock_timestamp(),
    -- Infinity waits for the account to be connected again; a time in the past is somebody's wish to sync now.
    next_sync_at = case
      when e.next_sync_at = 'infinity' or e.next_sync_at <= pg_catalog.clock_timestamp() then e.next_sync_at
      else p_next_sync_at
    end
  where e.id = p_endpoint_id;
end
$$;

-- Drops the position, so that the next page begins a full pass; used when the provider no longer accepts the cursor.
create function patchbay.reset_cursor(p_endpoint_id uuid, p_fence bigint)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform patchbay.lock_run(p_endpoint_id, p_fence);
  update patchbay.sync_state s set cursor = null where s.endpoint_id = p_endpoint_id;
end
$$;

-- What an endpoint covers has changed: whatever runs now is stopped by the fence, and a full pass is due.
-- Security definer: the owner changes the endpoint, but may not write patchbay.sync_state.
create function patchbay.restart_endpoint()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.sync_logs l set
    status = 'failed', error_code = 'endpoint_changed', error_message = 'The endpoint was changed during this run.',
    finished_at = pg_catalog.clock_timestamp()
  from patchbay.sync_state s
  where s.endpoint_id = new.id and l.id = s.run_id;
  update patchbay.sync_state s set cursor = null, fence = s.fence + 1, run_id = null where s.endpoint_id = new.id;
  update public.endpoints e set last_sync_status = 'pending' where e.id = new.id and e.last_sync_status = 'running';
  update public.endpoints e set next_sync_at = pg_catalog.now() where e.id = new.id and e.next_sync_at < 'infinity';
  return null;
end
$$;

create trigger endpoints_restart
after update of endpoint_config, file_types, integration_id on public.endpoints
for each row
when (
  old.endpoint_config is distinct from new.endpoint_config
  or old.file_types is distinct from new.file_types
  or (old.integration_id is distinct from new.integration_id and old.integration_id is not null)
)
execute function patchbay.restart_endpoint();

revoke execute on function patchbay.claim_run(uuid) from public;
revoke execute on function patchbay.lock_run(uuid, bigint) from public;
revoke execute on function patchbay.rebuild_paths(uuid, text) from public;
revoke execute on function patchbay.merge_folders(uuid, jsonb) from public;
revoke execute on function patchbay.remove_folders(uuid, text[]) from public;
revoke execute on function patchbay.merge_files(uuid, jsonb, text) from public;
revoke execute on function patchbay.list_unseen(uuid) from public;
revoke execute on function patchbay.delete_gone(uuid, text) from public;
revoke execute on function patchbay.forget_pass(uuid) from public;
revoke execute on function patchbay.merge_page(uuid, bigint, jsonb) from public;
revoke execute on function patchbay.finish_run(uuid, bigint, text, text, text, bigint, bigint, timestamptz) from public;
revoke execute on function patchbay.reset_cursor(uuid, bigint) from public;
revoke execute on function patchbay.restart_endpoint() from public;
