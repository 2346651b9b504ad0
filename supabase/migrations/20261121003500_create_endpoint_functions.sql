-- What an owner does with an endpoint beside changing its columns, through supabase-js (rpc) or as the operator in SQL: sync now, pause,
-- resume, cancel, sync everything anew, and confirm deletions. The functions in public are the client's API: each of them checks who
-- calls, and works on nothing but the one endpoint it is given.
set lock_timeout = '5s';

-- Refuses a call with an HTTP status, as PostgREST reads it from PTxyz, and one of the codes of src/shared/errors.ts in the details.
-- https://docs.postgrest.org/en/v13/references/errors.html#raise-errors-with-http-status-codes
create function patchbay.refuse_call(p_status text, p_code text, p_message text, p_hint text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using errcode = 'PT' || p_status, message = p_message, detail = p_code, hint = p_hint;
end
$$;

-- Whether no user but the operator runs this: the service role, or SQL as the owner of the database. The setting "role" is the caller's,
-- also within a security definer function.
create function patchbay.is_operator()
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce(nullif(pg_catalog.current_setting('role', true), 'none'), session_user::text)
    in ('service_role', 'postgres', 'supabase_admin')
$$;

-- The endpoint, locked, if it is this user's; p_user_id null: the operator's to choose. Of somebody else's nothing is said, not even that
-- it exists.
create function patchbay.lock_endpoint(p_endpoint_id uuid, p_user_id uuid)
returns public.endpoints
language plpgsql
set search_path = ''
as $$
declare
  v_endpoint public.endpoints;
begin
  select * into v_endpoint from public.endpoints e
  where e.id = p_endpoint_id and (e.user_id = p_user_id or (p_user_id is null and patchbay.is_operator()))
  for no key update;
  if not found then
    perform patchbay.refuse_call('404', 'not_found', 'There is no such endpoint.', 'The table endpoints has the ids of yours.');
  end if;
  return v_endpoint;
end
$$;

-- Refuses what could not lead to a run.
create function patchbay.require_runnable(p_endpoint public.endpoints)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_status text;
begin
  if not p_endpoint.enabled then
    perform patchbay.refuse_call('409', 'endpoint_paused', 'This endpoint is paused.', 'Resume it first.');
  end if;
  select i.status into v_status from public.integrations i where i.id = p_endpoint.integration_id;
  if v_status = 'needs_reauth' then
    perform patchbay.refuse_call(
      '409', 'needs_reauth', 'The account that this endpoint reads is no longer accepted.', 'Connect the account again.'
    );
  elsif v_status is null or v_status = 'disconnected' then
    perform patchbay.refuse_call(
      '409', 'not_connected', 'The account that this endpoint reads is not connected.', 'Connect the account first.'
    );
  end if;
end
$$;

-- The values that one field of a cron expression stands for; the expression has passed patchbay.is_cron.
create function patchbay.cron_values(p_field text, p_low integer, p_high integer)
returns integer[]
language sql
immutable
set search_path = ''
as $$
  select pg_catalog.array_agg(distinct v.value)
  from pg_catalog.regexp_split_to_table(p_field, ',') as part (text),
    lateral (select pg_catalog.regexp_match(part.text, '^(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?$') as found) m,
    lateral pg_catalog.generate_series(
      coalesce(m.found[1]::int, p_low), coalesce(m.found[2]::int, m.found[1]::int, p_high), coalesce(m.found[3]::int, 1)
    ) as v (value)
$$;

-- The first time after p_from that a cron expression names by the clock of p_time_zone; null: there is none. For what happens without a
-- worker, which computes it with a library (src/shared/sync/schedule.ts): the two agree, but for the hours that clocks skip or repeat.
create function patchbay.next_cron(p_cron text, p_time_zone text, p_from timestamptz)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  with field as (
    select pg_catalog.regexp_split_to_array(pg_catalog.btrim(p_cron), '\s+') as f
  ),
  allowed as (
    select
      patchbay.cron_values(f[1], 0, 59) as minutes,
      patchbay.cron_values(f[2], 0, 23) as hours,
      patchbay.cron_values(f[3], 1, 31) as days,
      patchbay.cron_values(f[4], 1, 12) as months,
      -- Sunday is 0 and 7.
      patchbay.cron_values(f[5], 0, 7) as weekdays,
      f[3] = '*' as any_day,
      f[5] = '*' as any_weekday
    from field
  ),
  -- Two days that fit: today may be over. 29 February is eight years away at most.
  fitting as (
    select day.value as day
    from allowed a, pg_catalog.generate_series(
      (p_from at time zone p_time_zone)::date::timestamp, (p_from at time zone p_time_zone)::date + interval '8 years 1 day', interval '1 day'
    ) as day (value)
    where extract(month from day.value)::int = any (a.months)
      and case
        -- A day of the month and a day of the week: either will do.
        when not a.any_day and not a.any_weekday then
          extract(day from day.value)::int = any (a.days)
          or array[extract(dow from day.value)::int, extract(isodow from day.value)::int] && a.weekdays
        else
          extract(day from day.value)::int = any (a.days)
          and array[extract(dow from day.value)::int, extract(isodow from day.value)::int] && a.weekdays
      end
    order by day.value
    limit 2
  )
  select min(moment.value)
  from allowed a, fitting,
    pg_catalog.unnest(a.hours) as h (hour), pg_catalog.unnest(a.minutes) as m (minute),
    lateral (select (fitting.day + pg_catalog.make_interval(hours => h.hour, mins => m.minute)) at time zone p_time_zone) as moment (value)
  where moment.value > p_from
$$;

-- When an endpoint is due by its schedule, after p_from.
create function patchbay.due_after(p_endpoint public.endpoints, p_from timestamptz)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select case
    when p_endpoint.schedule_type = 'interval' then p_from + p_endpoint.interval_minutes * interval '1 minute'
    else coalesce(
      patchbay.next_cron(p_endpoint.schedule_cron, p_endpoint.time_zone, p_from),
      -- A date that never comes, such as 30 February.
      p_from + interval '365 days'
    )
  end
$$;

-- A new schedule counts from now on, not only after the run that the old one still had in store. One that is due, running, or failing
-- again and again, is left as it is: the end of its run looks at the schedule.
-- Security definer: the owner who changes it may not reach this schema.
create function patchbay.reschedule_endpoint()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.next_sync_at := greatest(
    now(), patchbay.due_after(new, case when new.schedule_type = 'interval' then coalesce(new.last_sync_at, now()) else now() end)
  );
  return new;
end
$$;

-- After endpoints_validate, by its name: what it works with is known to be right.
create trigger endpoints_work_out_schedule
before update of schedule_type, schedule_cron, interval_minutes, time_zone on public.endpoints
for each row
when (
  (old.schedule_type, old.schedule_cron, old.interval_minutes, old.time_zone)
    is distinct from (new.schedule_type, new.schedule_cron, new.interval_minutes, new.time_zone)
  and new.next_sync_at = old.next_sync_at
  and old.next_sync_at > now() and old.next_sync_at < 'infinity'
  and old.last_sync_status <> 'running' and old.consecutive_failures < 3
)
execute function patchbay.reschedule_endpoint();

-- Ends the run in progress, if there is one: its worker's next write is refused by the fence. What was read stays, and so does the
-- position, from which the next run goes on.
create function patchbay.stop_run(p_endpoint_id uuid, p_message text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_run_id uuid;
begin
  select s.run_id into v_run_id from patchbay.sync_state s where s.endpoint_id = p_endpoint_id for update;
  update patchbay.sync_state s set fence = s.fence + 1, run_id = null where s.endpoint_id = p_endpoint_id;
  update public.sync_logs l set status = 'cancelled', error_message = p_message, finished_at = pg_catalog.clock_timestamp()
  where l.id = v_run_id;
  return v_run_id is not null;
end
$$;

-- Ends the endpoint's job: one that waits is not begun, one in hand is not tried again. As pg-boss cancels.
create function patchbay.drop_sync_job(p_endpoint_id uuid)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update pgboss.job set state = 'cancelled', completed_on = pg_catalog.now()
  -- The last conditions are those of the partial index on live jobs of such queues.
  where name = 'sync' and coalesce(singleton_key, '') = p_endpoint_id::text and state <= 'active' and policy = 'exclusive';
  return found;
end
$$;

-- Takes the endpoint's job for a process that runs it here and now, queued or not: as a worker of pg-boss that has fetched it. No row:
-- a worker has it.
create function patchbay.take_sync_job(p_endpoint_id uuid)
returns table (id uuid, retry_count integer)
language plpgsql
set search_path = ''
as $$
begin
  perform patchbay.enqueue('sync', 'endpoint_id', array[p_endpoint_id]);
  return query
  update pgboss.job j
  set state = 'active', started_on = pg_catalog.now(), heartbeat_on = pg_catalog.now(),
    retry_count = case when j.started_on is null then j.retry_count else j.retry_count + 1 end
  where j.name = 'sync' and coalesce(j.singleton_key, '') = p_endpoint_id::text and j.state < 'active' and j.policy = 'exclusive'
  returning j.id, j.retry_count;
end
$$;

revoke execute on function patchbay.refuse_call(text, text, text, text) from public;
revoke execute on function patchbay.is_operator() from public;
revoke execute on function patchbay.lock_endpoint(uuid, uuid) from public;
revoke execute on function patchbay.require_runnable(public.endpoints) from public;
revoke execute on function patchbay.cron_values(text, integer, integer) from public;
revoke execute on function patchbay.next_cron(text, text, timestamptz) from public;
revoke execute on function patchbay.due_after(public.endpoints, timestamptz) from public;
revoke execute on function patchbay.reschedule_endpoint() from public;
revoke execute on function patchbay.stop_run(uuid, text) from public;
revoke execute on function patchbay.drop_sync_job(uuid) from public;
revoke execute on function patchbay.take_sync_job(uuid) from public;

-- Syncs now: the endpoint is due at once, also when it waits after failures. During a run, another one follows it.
create function public.sync_endpoint(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
begin
  perform patchbay.require_runnable(v_endpoint);
  update public.endpoints e set next_sync_at = pg_catalog.now() where e.id = v_endpoint.id returning * into v_endpoint;
  return v_endpoint;
end
$$;

-- Pauses: a run in progress ends with its page, and no other begins.
create function public.pause_endpoint(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
begin
  if v_endpoint.enabled then
    update public.endpoints e set enabled = false where e.id = v_endpoint.id returning * into v_endpoint;
  end if;
  return v_endpoint;
end
$$;

-- Goes on after a pause: due at once, from where it stood.
create function public.resume_endpoint(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
begin
  if not v_endpoint.enabled then
    update public.endpoints e
    set enabled = true, next_sync_at = case when e.next_sync_at < 'infinity' then pg_catalog.now() else e.next_sync_at end
    where e.id = v_endpoint.id
    returning * into v_endpoint;
  end if;
  return v_endpoint;
end
$$;

-- Ends the run in progress and drops the one that waits. What was read stays; the next run is the schedule's, and goes on from there.
create function public.cancel_sync(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
  v_stopped boolean := patchbay.stop_run(v_endpoint.id, 'The run was cancelled.');
  v_dropped boolean := patchbay.drop_sync_job(v_endpoint.id);
begin
  if v_stopped or v_dropped or v_endpoint.next_sync_at <= pg_catalog.now() then
    update public.endpoints e set
      last_sync_status = case when v_stopped then 'cancelled' else e.last_sync_status end,
      last_sync_at = case when v_stopped then pg_catalog.clock_timestamp() else e.last_sync_at end,
      next_sync_at = case
        when e.next_sync_at < 'infinity' then patchbay.due_after(v_endpoint, pg_catalog.now())
        else e.next_sync_at
      end
    where e.id = v_endpoint.id
    returning * into v_endpoint;
    update patchbay.targets t set due_at = greatest(t.due_at, v_endpoint.next_sync_at) where t.endpoint_id = v_endpoint.id;
  end if;
  return v_endpoint;
end
$$;

-- Reads everything anew, at once. Rows stay until the pass has seen everything; its end removes what is gone, within the guard.
create function public.resync_endpoint(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
begin
  perform patchbay.require_runnable(v_endpoint);
  perform patchbay.stop_run(v_endpoint.id, 'A full sync was asked for during this run.');
  update patchbay.sync_state s set cursor = null, pass = 'full' where s.endpoint_id = v_endpoint.id;
  update public.endpoints e set
    last_sync_status = case when e.last_sync_status = 'running' then 'pending' else e.last_sync_status end,
    next_sync_at = pg_catalog.now()
  where e.id = v_endpoint.id
  returning * into v_endpoint;
  return v_endpoint;
end
$$;

-- Lets the next pass delete what the guard stopped, and begins it. Good for one pass; what the guard has not stopped needs no word.
create function public.confirm_deletions(endpoint_id uuid)
returns public.endpoints
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_endpoint public.endpoints := patchbay.lock_endpoint(endpoint_id, (select auth.uid()));
begin
  if v_endpoint.last_error_code is distinct from 'mass_delete_stopped' then
    perform patchbay.refuse_call(
      '409', 'nothing_to_confirm', 'No deletion of this endpoint waits to be confirmed.',
      'Only after a run that ended with the status stopped.'
    );
  end if;
  perform patchbay.require_runnable(v_endpoint);
  update public.endpoints e set deletions_confirmed_at = pg_catalog.now(), next_sync_at = pg_catalog.now()
  where e.id = v_endpoint.id
  returning * into v_endpoint;
  return v_endpoint;
end
$$;

comment on function public.sync_endpoint(uuid) is 'Syncs now, also while the endpoint waits after failures.';
comment on function public.pause_endpoint(uuid) is 'Pauses: a run in progress ends with its page, and no other begins.';
comment on function public.resume_endpoint(uuid) is 'Goes on after a pause, at once.';
comment on function public.cancel_sync(uuid) is 'Ends the run in progress and drops the one that waits; the next is the schedule''s.';
comment on function public.resync_endpoint(uuid) is 'Reads everything anew, at once; rows stay until the pass has seen everything.';
comment on function public.confirm_deletions(uuid) is 'Lets the next pass delete what the guard stopped, and begins it.';

revoke execute on function public.sync_endpoint(uuid) from public, anon;
revoke execute on function public.pause_endpoint(uuid) from public, anon;
revoke execute on function public.resume_endpoint(uuid) from public, anon;
revoke execute on function public.cancel_sync(uuid) from public, anon;
revoke execute on function public.resync_endpoint(uuid) from public, anon;
revoke execute on function public.confirm_deletions(uuid) from public, anon;
grant execute on function public.sync_endpoint(uuid) to authenticated, service_role;
grant execute on function public.pause_endpoint(uuid) to authenticated, service_role;
grant execute on function public.resume_endpoint(uuid) to authenticated, service_role;
grant execute on function public.cancel_sync(uuid) to authenticated, service_role;
grant execute on function public.resync_endpoint(uuid) to authenticated, service_role;
grant execute on function public.confirm_deletions(uuid) to authenticated, service_role;

-- The functions check what a column cannot.
revoke update (next_sync_at, deletions_confirmed_at) on public.endpoints from authenticated;
comment on column public.endpoints.next_sync_at is 'When the scheduler picks it up; sync_endpoint() makes that now. Infinity: not until an account is connected.';
comment on column public.endpoints.deletions_confirmed_at is 'confirm_deletions() sets it, and lets the next run delete what the guard stopped. Used once.';

reset lock_timeout;
