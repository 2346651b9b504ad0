-- What an operator looks at: views of the private schema, for the dashboard, the SQL editor and docs/monitoring.sql. Each reads by an
-- index, or only the rows that it reports; test/db/monitoring.test.ts holds their plans.
-- They read with the rights of their owner: a role for monitoring needs usage on this schema and select on a view, and nothing else.

-- The tables that get an index may have rows already. Each index is small, but for the one on files, and is built in one pass over its
-- table. What could take longer is to get the lock, and then it is the migration that gives up, not everyone who would wait behind it.
-- squawk-ignore-file require-concurrent-index-creation
set lock_timeout = '5s';

-- Indexes of what is broken: what works is not in them, and costs them no write.
create index endpoints_failing_idx on public.endpoints (consecutive_failures)
where consecutive_failures > 0 or last_sync_status = 'stopped';
create index secrets_unrenewable_idx on patchbay.secrets (expires_at) where refresh_token_jwe is null and expires_at < 'infinity';
create index sync_logs_errors_idx on public.sync_logs (finished_at) where error_code is not null;
-- The shortest schedule is a minute: a run of less than half of it is not slow.
create index sync_logs_slow_idx on public.sync_logs (finished_at) where finished_at - started_at > interval '30 seconds';
-- Without it the planner takes a third of all runs for slow ones, and reads every endpoint to go with them.
create statistics public.sync_logs_duration_stats on (finished_at - started_at) from public.sync_logs;

-- How many files of which type an endpoint has, without reading the files. It takes 5 % of what it takes Postgres to insert a file;
-- counters kept by triggers took 12 %.
create index files_file_type_idx on public.files (endpoint_id, file_type);

-- waits_for: 'scheduler' (nothing has queued it: does pg_cron run?), 'worker' (queued, and nobody takes it), 'account' (has to be connected
-- again). Two minutes are more than a tick, and more than an idle worker needs.
create view patchbay.overdue_endpoints as
select
  e.id as endpoint_id, e.name, e.endpoint_type, e.user_id,
  case when i.status in ('connected', 'error') then 'scheduler' else 'account' end as waits_for,
  e.next_sync_at as due_at,
  -- An operator may have set it to -infinity, from which not every Postgres can subtract.
  now() - greatest(e.next_sync_at, e.created_at) as overdue
from public.endpoints e
join public.integrations i on i.id = e.integration_id
where e.enabled and e.integration_id is not null and e.next_sync_at < now() - interval '2 minutes'
  and not exists (
    select from pgboss.job j
    where j.name = 'sync' and j.policy = 'exclusive' and j.state <= 'active' and coalesce(j.singleton_key, '') = e.id::text
  )
union all
select e.id, e.name, e.endpoint_type, e.user_id, 'worker', j.start_after, now() - j.start_after
from pgboss.job j
join public.endpoints e on e.id = (j.data ->> 'endpoint_id')::uuid
where j.name = 'sync' and j.state < 'active' and not j.blocked and j.start_after < now() - interval '2 minutes';

comment on view patchbay.overdue_endpoints is 'Endpoints that should have been synced by now, and what they wait for.';

create view patchbay.failing_endpoints as
select
  e.id as endpoint_id, e.name, e.endpoint_type, e.user_id, e.last_sync_status, e.last_error_code, e.last_error_message,
  e.consecutive_failures,
  coalesce(first_failure.started_at, e.last_sync_at) as failing_since,
  e.last_sync_at,
  nullif(e.next_sync_at, 'infinity') as next_try_at
from public.endpoints e
left join lateral (
  select l.started_at from public.sync_logs l
  where l.endpoint_id = e.id and l.status = 'failed'
  order by l.started_at desc
  offset greatest(e.consecutive_failures - 1, 0) limit 1
) first_failure on e.consecutive_failures > 0
where e.consecutive_failures > 0 or e.last_sync_status = 'stopped';

comment on view patchbay.failing_endpoints is 'Endpoints whose last run failed or was stopped: why, since when, and when they are tried again.';
comment on column patchbay.failing_endpoints.next_try_at is 'Null: not before somebody mends it, such as by connecting the account again.';

-- A cron schedule has no one length: what counts is the time from the last run's start to the next one.
create view patchbay.slow_endpoints as
with long_runs as (
  select
    l.endpoint_id,
    count(*) as long_runs,
    max(l.finished_at - l.started_at) as longest_run,
    sum(l.finished_at - l.started_at) as busy
  from public.sync_logs l
  where l.finished_at - l.started_at > interval '30 seconds' and l.finished_at > now() - interval '1 day'
  group by l.endpoint_id
),
scheduled as (
  select
    r.*, e.name, e.endpoint_type, e.user_id, e.schedule_type,
    case when e.schedule_type = 'interval' then e.interval_minutes * interval '1 minute'
    when isfinite(e.next_sync_at) then e.next_sync_at - (
      select l.started_at from public.sync_logs l where l.endpoint_id = e.id order by l.started_at desc limit 1
    ) end as period
  from long_runs r
  join public.endpoints e on e.id = r.endpoint_id
)
select
  s.endpoint_id, s.name, s.endpoint_type, s.user_id, s.schedule_type, s.period, s.long_runs, s.longest_run,
  round(100 * extract(epoch from s.longest_run) / nullif(extract(epoch from s.period), 0)) as percent_of_period,
  round(100 * extract(epoch from s.busy) / 86400) as percent_of_day
from scheduled s
where s.longest_run >= s.period / 2 or s.busy >= interval '12 hours';

comment on view patchbay.slow_endpoints is
  'Endpoints one of whose runs of the last day took half of the time between two runs, or that were being synced for half of the day.';

create view patchbay.files_by_type as
select f.endpoint_id, f.file_type, count(*) as files
from public.files f
group by f.endpoint_id, f.file_type;

comment on view patchbay.files_by_type is 'Files of each endpoint by type, counted in an index. With a condition on endpoint_id it reads that endpoint only.';

-- Tokens that are renewed in time are no news, although most of them live for an hour.
create view patchbay.expiring_tokens as
select
  i.id as integration_id, i.provider, i.user_id, i.account_label, s.name as token, 'late' as state, s.expires_at, s.refresh_due_at,
  s.last_error_code, 'No worker has renewed it in time. Is the queue refresh-token worked off?' as reason
from patchbay.secrets s
join public.integrations i on i.id = s.integration_id
where s.refresh_due_at < now() - interval '5 minutes' and s.refresh_due_at < 'infinity' and i.status = 'connected'
  and (s.refresh_token_jwe is not null or i.grant_type <> 'authorization_code')
union all
select
  i.id, i.provider, i.user_id, i.account_label, s.name, 'ends', s.expires_at, s.refresh_due_at, s.last_error_code,
  'It cannot be renewed. Its owner has to connect the account again.'
from patchbay.secrets s
join public.integrations i on i.id = s.integration_id
where s.refresh_token_jwe is null and s.expires_at < 'infinity' and s.expires_at < now() + interval '7 days'
  and i.status = 'connected' and i.grant_type = 'authorization_code'
union all
select
  i.id, i.provider, i.user_id, i.account_label, s.name, i.status, s.expires_at, nullif(s.refresh_due_at, 'infinity'), s.last_error_code,
  i.status_reason
from public.integrations i
left join patchbay.secrets s on s.integration_id = i.id and s.name = 'primary'
where i.status in ('needs_reauth', 'error');

comment on view patchbay.expiring_tokens is
  'late: should have been renewed by now. ends: within seven days, and cannot be renewed. error: expired, tried again. needs_reauth: its owner has to connect again.';

-- pg-boss has an index of jobs that wait, and one of those that run in queues with one job a key. The rest is as it last counted it itself,
-- a minute ago at most.
create view patchbay.queue_depth as
select
  j.name as queue, j.state::text as state, count(*) as jobs,
  count(*) filter (where j.start_after <= now()) as ready,
  now() - min(j.start_after) as oldest,
  0::bigint as abandoned
from pgboss.job j
where j.state < 'active' and not j.blocked
group by j.name, j.state
union all
select
  j.name, 'active', count(*), 0, now() - min(j.started_on),
  count(*) filter (where j.heartbeat_on + j.heartbeat_seconds * interval '1 second' < now())
from pgboss.job j
where j.state = 'active' and j.policy = 'exclusive'
group by j.name
union all
select q.name, 'active', q.active_count, 0, null, null from pgboss.queue q where q.policy <> 'exclusive' and q.active_count > 0
union all
select q.name, 'failed', q.failed_count, 0, null, null from pgboss.queue q where q.failed_count > 0;

comment on view patchbay.queue_depth is
  'Jobs by queue and state. ready: may be taken now. oldest: since when the first may be taken, or runs. abandoned: their worker has died; taken back soon.';

create view patchbay.errors_by_day as
select
  (l.finished_at at time zone 'UTC')::date as day, l.error_code, count(*) as runs, count(distinct l.endpoint_id) as endpoints,
  max(l.finished_at) as last_at
from public.sync_logs l
where l.error_code is not null and l.finished_at > now() - interval '30 days'
group by 1, 2;

comment on view patchbay.errors_by_day is 'Runs that failed or were stopped in the last 30 days, by day (UTC) and error code.';

create view patchbay.webhook_lag as
with recent as (
  select e.webhook_id, e.received_at, e.processed_at from patchbay.webhook_events e where e.processed_at is null
  union all
  select e.webhook_id, e.received_at, e.processed_at from patchbay.webhook_events e
  where e.received_at > now() - interval '1 hour' and e.processed_at is not null
)
select
  w.provider,
  count(*) filter (where r.processed_at is null) as waiting,
  now() - min(r.received_at) filter (where r.processed_at is null) as oldest_waiting,
  count(r.processed_at) as processed,
  date_trunc('milliseconds', avg(r.processed_at - r.received_at)) as average_lag,
  max(r.processed_at - r.received_at) as longest_lag
from recent r
left join patchbay.webhooks w on w.id = r.webhook_id
group by w.provider;

comment on column patchbay.webhook_lag.provider is 'Null: the webhook has been stopped since.';
comment on view patchbay.webhook_lag is
  'Events of the webhooks, by provider: those that wait, and how long those took that were received in the last hour.';

revoke all on table
  patchbay.overdue_endpoints, patchbay.failing_endpoints, patchbay.slow_endpoints, patchbay.files_by_type, patchbay.expiring_tokens,
  patchbay.queue_depth, patchbay.errors_by_day, patchbay.webhook_lag
from public, anon, authenticated, service_role;

reset lock_timeout;
