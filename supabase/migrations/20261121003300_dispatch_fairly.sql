-- Nobody waits for another user's backlog: of what is due, users are queued in turn, and a job's priority is its place in its own user's
-- queue.

-- Queues jobs with the settings of their queue: a bare insert would take the columns' defaults instead. p_jobs: [{key, data}], and for those
-- that wait in turn group_id and priority. Returns the keys that were queued; a key with a live job is left out.
create function patchbay.insert_jobs(p_queue text, p_jobs jsonb)
returns setof text
language sql
set search_path = ''
as $$
  insert into pgboss.job (
    name, data, singleton_key, group_id, priority, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds,
    deletion_seconds, keep_until, dead_letter, heartbeat_seconds
  )
  select
    q.name, job.data, job.key, job.group_id, coalesce(job.priority, 0), q.policy, q.retry_limit, q.retry_delay, q.retry_backoff,
    q.retry_delay_max, q.expire_seconds, q.deletion_seconds, pg_catalog.now() + q.retention_seconds * interval '1 second',
    q.dead_letter, q.heartbeat_seconds
  from pgboss.queue q,
    pg_catalog.jsonb_to_recordset(p_jobs) as job (key text, data jsonb, group_id text, priority integer)
  where q.name = p_queue
  on conflict do nothing
  returning singleton_key
$$;

revoke execute on function patchbay.insert_jobs(text, jsonb) from public;

-- Queues one job for each key, ahead of those that have a place in a user's queue.
create or replace function patchbay.enqueue(p_queue text, p_key_name text, p_keys uuid[])
returns setof uuid
language sql
set search_path = ''
as $$
  select patchbay.insert_jobs(p_queue, pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'key', key.id, 'data', pg_catalog.jsonb_build_object(p_key_name, key.id)
  )))::uuid
  from pg_catalog.unnest(p_keys) as key (id)
$$;

-- What has to be synced: endpoints whose time has come, and those with single items to fetch, of integrations that can be used. Reads two
-- partial indexes, so that it costs what is due, not what exists.
create function patchbay.due_syncs()
returns table (endpoint_id uuid, user_id uuid, since timestamptz, targets_only boolean)
language sql
stable
set search_path = ''
as $$
  with scheduled as materialized (
    select e.id, e.user_id, e.next_sync_at as since
    from public.endpoints e
    join public.integrations i on i.id = e.integration_id
    where e.enabled and e.integration_id is not null and e.next_sync_at <= pg_catalog.now()
      and i.status in ('connected', 'error')
  ),
  named as (
    select t.endpoint_id, pg_catalog.min(t.due_at) as since
    from patchbay.targets t
    where t.due_at <= pg_catalog.now()
    group by t.endpoint_id
  )
  select s.id, s.user_id, s.since, false from scheduled s
  union all
  -- A run of the schedule fetches them as well.
  select e.id, e.user_id, n.since, true
  from named n
  join public.endpoints e on e.id = n.endpoint_id
  join public.integrations i on i.id = e.integration_id
  where e.enabled and i.status in ('connected', 'error') and not exists (select from scheduled s where s.id = e.id)
$$;

revoke execute on function patchbay.due_syncs() from public;

-- Of what is due, what is queued next. Each endpoint without a live job gets a place in its user's queue, behind that user's jobs that wait
-- or run; whoever is at the front of theirs comes before anyone's second.
create function patchbay.place_syncs(p_due jsonb, p_limit integer)
returns table (endpoint_id uuid, user_id uuid, targets_only boolean, place bigint)
language sql
stable
set search_path = ''
-- The planner cannot guess how many are due or live: a nested loop over both would take minutes.
set enable_nestloop = off
as $$
  with live as materialized (
    -- The conditions are those of pg-boss' partial index on live jobs of such queues.
    select j.singleton_key, j.group_id
    from pgboss.job j
    where j.name = 'sync' and j.state <= 'active' and j.policy = 'exclusive'
  ),
  placed as (
    select
      due.*,
      coalesce(busy.jobs, 0)
        + pg_catalog.row_number() over (partition by due.user_id order by due.since, due.endpoint_id) as place
    from pg_catalog.jsonb_to_recordset(p_due) as due (
      endpoint_id uuid, user_id uuid, since timestamptz, targets_only boolean
    )
    left join (
      select live.group_id, pg_catalog.count(*) as jobs from live group by live.group_id
    ) busy on busy.group_id = due.user_id::text
    where not exists (select from live where live.singleton_key = due.endpoint_id::text)
  )
  select placed.endpoint_id, placed.user_id, placed.targets_only, placed.place
  from placed
  order by placed.place, placed.since
  limit p_limit
$$;

revoke execute on function patchbay.place_syncs(jsonb, integer) from public;

-- Due endpoints become jobs. Returns how many.
create function patchbay.enqueue_syncs(p_limit integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_due jsonb;
  v_ids uuid[];
  v_queued uuid[];
begin
  select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(d)) into v_due from patchbay.due_syncs() d;
  if v_due is null then
    return 0;
  end if;
  select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(p)), pg_catalog.array_agg(p.endpoint_id) into v_due, v_ids
  from patchbay.place_syncs(v_due, p_limit) p;

  -- Who is locked is being changed, or queued by another tick: the next one sees what has become of it.
  v_ids := array(
    select e.id from public.endpoints e
    where e.id = any (v_ids)
      and (e.next_sync_at <= pg_catalog.now() or exists (select from patchbay.targets t where t.endpoint_id = e.id))
    for no key update of e skip locked
  );
  v_queued := array(
    select patchbay.insert_jobs('sync', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'key', d.endpoint_id,
      'data', case
        when d.targets_only then pg_catalog.jsonb_build_object('endpoint_id', d.endpoint_id, 'targets_only', true)
        else pg_catalog.jsonb_build_object('endpoint_id', d.endpoint_id)
      end,
      'group_id', d.user_id,
      -- pg-boss takes the highest priority first, and of the same the oldest.
      'priority', -d.place
    )))::uuid
    from pg_catalog.jsonb_to_recordset(v_due) as d (endpoint_id uuid, user_id uuid, targets_only boolean, place integer)
    where d.endpoint_id = any (v_ids)
  );

  -- If the job is lost all the same, the endpoint is looked at again.
  update public.endpoints e set next_sync_at = pg_catalog.now() + interval '15 minutes'
  where e.id = any (v_queued) and e.next_sync_at <= pg_catalog.now();
  return pg_catalog.cardinality(v_queued);
end
$$;

revoke execute on function patchbay.enqueue_syncs(integer) from public;

-- Due endpoints and tokens near their expiry become jobs, of integrations that can be used. Returns how many. What is more than p_limit
-- follows with the next tick, so that none takes long.
create or replace function patchbay.enqueue_due(p_limit integer default 5000)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_integrations uuid[];
begin
  v_integrations := array(
    select s.integration_id from patchbay.secrets s
    join public.integrations i on i.id = s.integration_id
    -- Of the partial index, whose condition does not follow from the other one.
    where s.refresh_due_at <= pg_catalog.now() and s.refresh_due_at < 'infinity' and i.status in ('connected', 'error')
    order by s.refresh_due_at
    limit p_limit
  );
  -- Stays due until it is refreshed; until then its live job keeps others out.
  v_integrations := array(select patchbay.enqueue('refresh-token', 'integration_id', v_integrations));

  return patchbay.enqueue_syncs(p_limit) + pg_catalog.cardinality(v_integrations);
end
$$;
