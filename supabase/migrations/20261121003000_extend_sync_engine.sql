-- What file connectors without a change feed need: items that a webhook names are fetched by themselves, a walk may keep its frontier in
-- the cursor, and an endpoint that fails again and again is tried less and less often.

-- squawk-ignore-file constraint-missing-not-valid
set lock_timeout = '5s';

alter table public.endpoints add column consecutive_failures integer not null default 0;
alter table public.endpoints add column last_error_code text;
alter table public.endpoints add column last_error_message text;

comment on column public.endpoints.consecutive_failures is 'Runs in a row that failed and got no further. From the third on, the next one waits longer each time, up to six hours.';
comment on column public.endpoints.last_error_message is 'Why the last run failed or stopped, in words for a person; null after one that did not.';

alter table public.endpoints drop constraint endpoints_last_sync_status_check;
alter table public.endpoints add constraint endpoints_last_sync_status_check
check (last_sync_status in ('pending', 'running', 'completed', 'partial', 'failed', 'stopped', 'cancelled'));

alter table public.sync_logs drop constraint sync_logs_status_check;
-- Old rows have the old words, which are all among the new ones: nothing has to be read.
alter table public.sync_logs add constraint sync_logs_status_check
check (status in ('running', 'completed', 'partial', 'failed', 'stopped', 'cancelled')) not valid;

-- Items that a webhook named and that are still to be fetched. The sequence tells a newer naming of the same item from the one that is
-- being fetched.
create sequence patchbay.targets_seq;

create table patchbay.targets (
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  external_id text not null,
  seq bigint not null default nextval('patchbay.targets_seq'),
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  primary key (endpoint_id, external_id)
);

comment on column patchbay.targets.due_at is 'Later than now while the endpoint''s runs fail.';

-- Also what the dispatcher reads; it holds no more than is still to be done.
create index targets_due_at_idx on patchbay.targets (due_at);

alter table patchbay.targets enable row level security;

create function patchbay.add_targets(p_endpoint_id uuid, p_ids text[])
returns void
language sql
set search_path = ''
as $$
  insert into patchbay.targets (endpoint_id, external_id)
  select distinct p_endpoint_id, named.id from pg_catalog.unnest(p_ids) as named (id)
  on conflict (endpoint_id, external_id) do update set seq = default
$$;

revoke execute on function patchbay.add_targets(uuid, text[]) from public;

drop function patchbay.claim_run(uuid);

-- Takes over an endpoint's run: a new one, or the one whose worker has died. Raises the fence, so that the worker before can
-- write nothing more. No row: the endpoint is gone, or has no account, or the job p_job_id that the run is for was cancelled since it was
-- taken. With p_targets_only the run is not the schedule's, and leaves it alone.
-- Whoever writes an endpoint's state locks its row in public.endpoints first, as a change or deletion by its owner does: in one order,
-- nobody waits for each other.
create function patchbay.claim_run(p_endpoint_id uuid, p_targets_only boolean default false, p_job_id uuid default null)
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
  v_resumed boolean;
begin
  select * into v_endpoint from public.endpoints where id = p_endpoint_id for no key update;
  if v_endpoint.integration_id is null then
    return;
  end if;
  -- Whoever cancels holds the lock above meanwhile.
  if p_job_id is not null
    and not exists (select from pgboss.job j where j.name = 'sync' and j.id = p_job_id and j.state = 'active') then
    return;
  end if;

  insert into patchbay.sync_state as s (endpoint_id, fence) values (p_endpoint_id, 1)
  on conflict (endpoint_id) do update set fence = s.fence + 1
  returning * into v_state;

  if p_targets_only and v_state.run_id is not null then
    -- A run of the schedule that lost its worker: what it has not read is the next one's.
    update public.sync_logs l set status = 'partial', finished_at = pg_catalog.clock_timestamp() where l.id = v_state.run_id;
    v_state.run_id := null;
  end if;

  v_resumed := v_state.run_id is not null;
  if not v_resumed then
    insert into public.sync_logs (endpoint_id, user_id, pass, cursor_before, cursor_after)
    values (
      p_endpoint_id, v_endpoint.user_id,
      case when p_targets_only then 'changes' when v_state.cursor is null then 'full' else v_state.pass end, v_state.cursor,
      v_state.cursor
    )
    returning id into v_state.run_id;
    update patchbay.sync_state s set run_id = v_state.run_id where s.endpoint_id = p_endpoint_id;
  end if;

  -- Uses up the wish that led here: only one that comes during the run is still to be fulfilled after it, also when its worker had died
  -- by then. If the run is lost, the endpoint is looked at again.
  update public.endpoints
  set last_sync_status = 'running',
    next_sync_at = case
      when p_targets_only or next_sync_at = 'infinity' or (v_resumed and next_sync_at <= pg_catalog.now()) then next_sync_at
      else pg_catalog.now() + interval '15 minutes'
    end
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

drop function patchbay.merge_folders(uuid, jsonb);

-- Stores a page's folders. With p_top_down each one's parent is stored already, and its path follows at once. Otherwise a known folder
-- that is within the endpoint stays listed, as its contents are known too, and keeps its path until the paths are rebuilt, which brings
-- its files along.
create function patchbay.merge_folders(p_endpoint_id uuid, p_folders jsonb, p_top_down boolean)
returns void
language sql
set search_path = ''
as $$
  with incoming as (
    select i.id, i.parent, i.name, coalesce(i.root, false) as root, i.listed
    from pg_catalog.jsonb_to_recordset(p_folders) as i (id text, parent text, name text, root boolean, listed boolean)
  )
  insert into patchbay.folders as f (endpoint_id, external_folder_id, external_parent_id, name, is_root, listed, path)
  select
    p_endpoint_id, incoming.id, incoming.parent, incoming.name, incoming.root, incoming.listed,
    case
      when incoming.root then ''
      -- The root comes in the same page as what is in it.
      when root.id is not null then '/' || incoming.name
      else parent.path || '/' || incoming.name
    end
  from incoming
  left join incoming root on root.id = incoming.parent and root.root
  left join patchbay.folders parent
    on parent.endpoint_id = p_endpoint_id and parent.external_folder_id = incoming.parent
  on conflict (endpoint_id, external_folder_id) do update set
    external_parent_id = excluded.external_parent_id,
    name = excluded.name,
    is_root = excluded.is_root,
    listed = excluded.listed or (f.listed and f.path is not null),
    path = case when p_top_down then excluded.path else coalesce(f.path, excluded.path) end
  where (f.external_parent_id, f.name, f.is_root, f.listed, f.path)
    is distinct from (excluded.external_parent_id, excluded.name, excluded.is_root,
      excluded.listed or (f.listed and f.path is not null),
      case when p_top_down then excluded.path else coalesce(f.path, excluded.path) end)
$$;

-- True when deleting so many files of an endpoint is more than its guard allows, after those that the run has deleted before.
create function patchbay.is_mass_delete(p_endpoint_id uuid, p_count bigint, p_before bigint default 0)
returns boolean
language sql
stable
set search_path = ''
as $$
  select p_count > 0 and p_before + p_count > 100 and e.deletions_confirmed_at is null
    and (p_before + p_count) * 100 > e.delete_guard_percent
      * (p_before + (select pg_catalog.count(*) from public.files t where t.endpoint_id = p_endpoint_id))
  from public.endpoints e
  where e.id = p_endpoint_id
$$;

-- Deletes what a finished pass found gone, unless that is more than the endpoint's guard allows: then nothing is deleted and
-- stopped_at says how many rows it would have been.
create or replace function patchbay.delete_gone(
  p_endpoint_id uuid, p_pass text, out deleted bigint, out stopped_at bigint
)
language plpgsql
set search_path = ''
as $$
declare
  v_gone uuid[];
  v_gone_folders text[];
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
    if patchbay.is_mass_delete(p_endpoint_id, pg_catalog.cardinality(v_gone)) then
      stopped_at := pg_catalog.cardinality(v_gone);
      return;
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

-- Merges one page, moves the cursor and counts, in one transaction. p_page:
--   pass 'full' | 'changes', first boolean (begins a pass), more boolean (false: ends it), folders [], files [], removed [], listed [],
--   rebuild_paths boolean, frontier 'folders' | 'cursor', orphan_path text | null, next {} | null, fetched, requests, bytes, receipt text
-- proceed is false when the run must end here: the endpoint was paused, or the delete guard stopped it.
create or replace function patchbay.merge_page(
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
  v_top_down boolean := p_page ->> 'frontier' = 'cursor';
  v_next jsonb := nullif(p_page -> 'next', 'null');
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
    where f.endpoint_id = p_endpoint_id and (f.listed or f.path is not null) and v_orphan_path is null and not v_top_down;
    -- Another root: what is known of the folders was about something else, until the walk comes to them.
    update patchbay.folders f set path = null
    where f.endpoint_id = p_endpoint_id and f.path is not null and v_top_down and not exists (
      select from patchbay.folders r
      join pg_catalog.jsonb_to_recordset(p_page -> 'folders') as i (id text, root boolean) on i.id = r.external_folder_id and i.root
      where r.endpoint_id = p_endpoint_id and r.is_root
    );
  end if;

  if p_page -> 'folders' <> '[]' then
    perform patchbay.merge_folders(p_endpoint_id, p_page -> 'folders', v_top_down);
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

-- Merges what single items are now, beside whatever pass is under way, and forgets that they were asked for, unless somebody has named them
-- again since. p_page: folders [] (an outer one first), files [], removed [], targets [{id, seq}], fetched, requests, bytes
-- More removals in a run than the guard allows are left to the next full pass, which asks. proceed is false when the endpoint was paused.
create function patchbay.merge_targets(
  p_endpoint_id uuid,
  p_fence bigint,
  p_page jsonb,
  out inserted bigint,
  out updated bigint,
  out unchanged bigint,
  out deleted bigint,
  out proceed boolean
)
language plpgsql
set search_path = ''
as $$
declare
  v_run_id uuid;
  v_folder jsonb;
  v_files record;
  v_gone uuid[];
  v_before bigint;
begin
  v_run_id := patchbay.lock_run(p_endpoint_id, p_fence);

  for v_folder in select f.value from pg_catalog.jsonb_array_elements(p_page -> 'folders') f loop
    perform patchbay.merge_folders(p_endpoint_id, pg_catalog.jsonb_build_array(v_folder), true);
  end loop;
  select * into v_files from patchbay.merge_files(p_endpoint_id, p_page -> 'files', null);
  inserted := v_files.inserted;
  updated := v_files.updated;
  unchanged := v_files.unchanged;

  v_gone := array(
    select t.id from pg_catalog.jsonb_array_elements_text(p_page -> 'removed') as gone (id)
    join public.files t on t.endpoint_id = p_endpoint_id and t.external_file_id = gone.id
    union
    -- Moved to a place that is not covered.
    select t.id from pg_catalog.jsonb_to_recordset(p_page -> 'files') as f (id text, parent text)
    join public.files t on t.endpoint_id = p_endpoint_id and t.external_file_id = f.id
    left join patchbay.folders d on d.endpoint_id = p_endpoint_id and d.external_folder_id = f.parent
    where d.path is null
  );
  deleted := 0;
  select l.deleted into v_before from public.sync_logs l where l.id = v_run_id;
  if not patchbay.is_mass_delete(p_endpoint_id, pg_catalog.cardinality(v_gone), v_before) then
    delete from public.files t where t.id = any (v_gone);
    get diagnostics deleted = row_count;
  end if;

  -- A full pass that is under way may have passed their folders already: its end must not take them for gone.
  insert into patchbay.seen_pages (endpoint_id, file_ids, folder_ids)
  select
    p_endpoint_id,
    array(select f ->> 'id' from pg_catalog.jsonb_array_elements(p_page -> 'files') f),
    array(select f ->> 'id' from pg_catalog.jsonb_array_elements(p_page -> 'folders') f)
  from patchbay.sync_state s
  where s.endpoint_id = p_endpoint_id and s.cursor is not null and s.pass = 'full';

  delete from patchbay.targets t
  using pg_catalog.jsonb_to_recordset(p_page -> 'targets') as done (id text, seq bigint)
  where t.endpoint_id = p_endpoint_id and t.external_id = done.id and t.seq = done.seq;

  update public.sync_logs l set
    fetched = l.fetched + (p_page ->> 'fetched')::bigint,
    inserted = l.inserted + merge_targets.inserted,
    updated = l.updated + merge_targets.updated,
    unchanged = l.unchanged + merge_targets.unchanged,
    deleted = l.deleted + merge_targets.deleted,
    requests = l.requests + (p_page ->> 'requests')::bigint,
    bytes = l.bytes + (p_page ->> 'bytes')::bigint
  where l.id = v_run_id;

  select e.enabled into proceed from public.endpoints e where e.id = p_endpoint_id;
end
$$;

-- Leaves the endpoint's targets, up to the one named p_last, to a later time.
create function patchbay.postpone_targets(p_endpoint_id uuid, p_fence bigint, p_last bigint, p_delay interval)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform patchbay.lock_run(p_endpoint_id, p_fence);
  update patchbay.targets t set due_at = greatest(t.due_at, pg_catalog.now() + p_delay)
  where t.endpoint_id = p_endpoint_id and t.seq <= p_last;
end
$$;

-- Ends a run. The next one is due at p_next_sync_at, or at once when somebody asked for that during the run, or later when one run after
-- the other has failed. Null: the run was not the schedule's, which stays as it is.
create or replace function patchbay.finish_run(
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
  v_scheduled boolean := p_next_sync_at is not null;
  v_progress boolean;
  v_failures integer;
  v_standing text;
  v_earliest timestamptz;
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
  where l.id = v_run_id
  returning l.cursor_after is distinct from l.cursor_before into v_progress;

  select
    case
      -- One that got further before it failed is the first of a row: a long walk has to end, however often it is held up.
      when p_status = 'failed' and v_scheduled and v_progress then 1
      when p_status = 'failed' then e.consecutive_failures + 1
      when v_scheduled then 0
      else e.consecutive_failures
    end,
    -- That single items can be fetched does not mean that the schedule's runs would work again; and whatever becomes of them, a deletion
    -- still waits to be confirmed: until it is, or a full pass has come to another end.
    case
      when v_scheduled and (
        p_status not in ('partial', 'failed') or e.last_error_code is distinct from 'mass_delete_stopped'
        or e.deletions_confirmed_at is not null or (s.cursor is not null and s.pass <> 'full')
      ) then null
      when e.last_error_code = 'mass_delete_stopped' then 'stopped'
      when p_status <> 'failed' and e.consecutive_failures > 0 then 'failed'
    end
  into v_failures, v_standing
  from public.endpoints e
  join patchbay.sync_state s on s.endpoint_id = e.id
  where e.id = p_endpoint_id;
  -- One failure or two are often nothing; from the third on the pause doubles: 4, 8, 16 minutes … 6 hours.
  v_earliest := pg_catalog.clock_timestamp() + case
    when v_failures >= 3 then least(interval '1 minute' * pg_catalog.power(2, least(v_failures - 1, 10)), interval '6 hours')
    else interval '0'
  end;
  if p_status = 'failed' then
    update patchbay.targets t set due_at = greatest(v_earliest, pg_catalog.clock_timestamp() + interval '1 minute')
    where t.endpoint_id = p_endpoint_id;
  end if;

  update public.endpoints e set
    last_sync_status = coalesce(v_standing, p_status),
    last_sync_at = pg_catalog.clock_timestamp(),
    consecutive_failures = v_failures,
    last_error_code = case when v_standing is null then p_error_code else e.last_error_code end,
    last_error_message = case when v_standing is null then p_error_message else e.last_error_message end,
    -- Infinity waits for the account to be connected again; a time in the past is somebody's wish to sync now.
    next_sync_at = case
      when not v_scheduled or e.next_sync_at = 'infinity' or e.next_sync_at <= pg_catalog.clock_timestamp() then e.next_sync_at
      else greatest(p_next_sync_at, v_earliest)
    end
  where e.id = p_endpoint_id;
end
$$;

revoke execute on function patchbay.claim_run(uuid, boolean, uuid) from public;
revoke execute on function patchbay.merge_folders(uuid, jsonb, boolean) from public;
revoke execute on function patchbay.is_mass_delete(uuid, bigint, bigint) from public;
revoke execute on function patchbay.merge_targets(uuid, bigint, jsonb) from public;
revoke execute on function patchbay.postpone_targets(uuid, bigint, bigint, interval) from public;

reset lock_timeout;
