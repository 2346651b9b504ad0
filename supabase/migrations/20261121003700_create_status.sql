-- What goes on in the whole installation, as numbers: for GET /status, for metrics, and for whoever looks.
set lock_timeout = '5s';

-- Those that their owners ended only add up; nobody counts them.
-- squawk-ignore require-concurrent-index-creation
create index integrations_status_idx on public.integrations (status) where status <> 'disconnected';

-- Reads partial indexes only: it costs what is live, not what was ever done. Nothing of any user is in it.
create function patchbay.status()
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_now timestamptz := pg_catalog.clock_timestamp();
  v_others text[] := array(select name from pgboss.queue where policy <> 'exclusive');
  v_queues jsonb;
  v_endpoints jsonb;
  v_integrations jsonb;
  v_scheduler jsonb;
begin
  -- The conditions are those of pg-boss' own indexes: of live jobs in queues with one job a key, and of those that wait in any other. How
  -- many run in these is as pg-boss last counted them itself, a minute ago at most.
  with live as (
    select name, state = 'active' as active, start_after <= v_now as due, start_after
    from pgboss.job
    where state <= 'active' and policy = 'exclusive'
    union all
    select name, false, start_after <= v_now, start_after
    from pgboss.job
    where name = any (v_others) and state < 'active' and not blocked
  ),
  counted as materialized (
    select
      name,
      pg_catalog.count(*) filter (where due and not active) as waiting,
      pg_catalog.count(*) filter (where not due and not active) as delayed,
      pg_catalog.count(*) filter (where active) as active,
      extract(epoch from v_now - pg_catalog.min(start_after) filter (where due and not active)) as oldest_seconds
    from live
    group by name
  )
  select pg_catalog.jsonb_agg(
    pg_catalog.jsonb_build_object(
      'name', q.name, 'waiting', coalesce(c.waiting, 0), 'delayed', coalesce(c.delayed, 0),
      'active', case when q.policy = 'exclusive' then coalesce(c.active, 0) else q.active_count end,
      'oldest_seconds', pg_catalog.round(c.oldest_seconds, 1)
    )
    order by q.name
  )
  into v_queues
  from pgboss.queue q
  left join counted c using (name);

  -- As patchbay.enqueue_due() finds them.
  select pg_catalog.jsonb_build_object(
    'due', pg_catalog.count(*), 'due_oldest_seconds', pg_catalog.round(extract(epoch from v_now - pg_catalog.min(next_sync_at)), 1)
  )
  into v_endpoints
  from public.endpoints
  where enabled and integration_id is not null and next_sync_at <= v_now;

  select v_endpoints || pg_catalog.jsonb_build_object('failing', pg_catalog.count(*))
  into v_endpoints
  from public.endpoints
  where consecutive_failures > 0;

  select pg_catalog.jsonb_build_object(
    'connected', pg_catalog.count(*) filter (where status = 'connected'),
    'error', pg_catalog.count(*) filter (where status = 'error'),
    'needs_reauth', pg_catalog.count(*) filter (where status = 'needs_reauth')
  )
  into v_integrations
  from public.integrations
  where status <> 'disconnected';

  -- By the newest run of all jobs back to the scheduler's: it runs every few seconds.
  if pg_catalog.to_regclass('cron.job_run_details') is not null then
    execute $sql$
      select pg_catalog.jsonb_build_object(
        'ticked_at', d.start_time, 'seconds_ago', pg_catalog.round(extract(epoch from $1 - d.start_time), 1), 'status', d.status
      )
      from cron.job_run_details d
      where d.command = 'select patchbay.dispatch()'
      order by d.runid desc
      limit 1
    $sql$
    into v_scheduler
    using v_now;
  end if;

  return pg_catalog.jsonb_build_object(
    'queues', v_queues, 'endpoints', v_endpoints, 'integrations', v_integrations, 'scheduler', v_scheduler
  );
end
$$;

revoke execute on function patchbay.status() from public;

reset lock_timeout;
