-- What nobody asks for any more is forgotten, a batch at a time.

-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';

-- Only what has ended: the oldest first, as pruning reads it.
create index sync_logs_finished_at_idx on public.sync_logs (finished_at) where finished_at is not null;

reset lock_timeout;

-- Forgets runs that ended longer ago than p_keep, at most p_limit of each kind of row. An endpoint's newest run stays: it says how the
-- endpoint stands, however long it has been paused. Returns how many rows are gone.
create function patchbay.prune(p_keep interval default '30 days', p_limit integer default 50000)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_runs bigint;
  v_clocks bigint;
begin
  delete from public.sync_logs
  where id = any (array(
    select l.id from public.sync_logs l
    where l.finished_at < pg_catalog.now() - p_keep
      and exists (
        select from public.sync_logs newer where newer.endpoint_id = l.endpoint_id and newer.started_at > l.started_at
      )
    order by l.finished_at
    limit p_limit
  ));
  get diagnostics v_runs = row_count;

  -- A clock that lies in the past says nothing that a new one would not; no pause ends later than its clock.
  delete from patchbay.permit_clocks c where c.arrival < pg_catalog.now() - interval '1 hour';
  get diagnostics v_clocks = row_count;

  delete from patchbay.rate_limits where expire < extract(epoch from pg_catalog.now()) * 1000;

  return v_runs + v_clocks + patchbay.prune_webhook_events(p_limit);
end
$$;

revoke execute on function patchbay.prune(interval, integer) from public;

-- To keep runs for longer, schedule it with another interval: select cron.schedule('patchbay-prune', '*/10 * * * *',
-- $$select patchbay.prune('90 days')$$). Every ten minutes, so that a batch is a second's work at two million runs a day.
do $$
begin
  if to_regnamespace('cron') is not null then
    perform cron.schedule('patchbay-prune', '*/10 * * * *', 'select patchbay.prune()');
    -- pg_cron keeps its history for ever.
    perform cron.schedule(
      'patchbay-forget-ticks', '17 3 * * *',
      $job$delete from cron.job_run_details where command like 'select patchbay.%' and end_time < now() - interval '1 day'$job$
    );
  end if;
end
$$;
