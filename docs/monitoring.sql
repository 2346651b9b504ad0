-- What to ask a project that runs Patchbay. For the SQL editor of the dashboard, as the role postgres, which is not held back by row
-- level security; test/db/monitoring.test.ts runs each of these queries and looks at its plan.
--
-- The views are in the schema patchbay, which the Data API does not expose. Each reads by an index, or only the rows that it reports.
-- The first two queries read everything: each endpoint once, and each file once. On millions of files the second takes seconds;
-- patchbay.files_by_type has the numbers of files without it.

-- Get endpoints with token status
SELECT 
    e.name,
    e.endpoint_type,
    e.enabled,
    e.last_sync_status,
    CASE 
        WHEN t.expires_at > NOW() THEN 'Valid'
        WHEN t.expires_at IS NOT NULL THEN 'Expired'
        ELSE 'No Token'
    END as token_status
FROM endpoints e
LEFT JOIN oauth_tokens t ON e.id = t.endpoint_id AND t.is_active = true;

-- Get sync statistics
SELECT 
    endpoint_id,
    COUNT(*) as total_files,
    SUM(file_size) as total_size,
    MAX(external_updated_at) as latest_update
FROM files
GROUP BY endpoint_id;

-- The same for one endpoint: reads that endpoint's files only.
select count(*) as total_files, sum(file_size) as total_size, max(external_updated_at) as latest_update
from files
where endpoint_id = 'your-endpoint-uuid';

-- Which endpoints should have been synced by now? waits_for says what to look at: 'scheduler': nothing has queued them, so pg_cron does not
-- run, or patchbay.dispatch() fails. 'worker': queued, and nobody takes them: deploy the worker function, or start more Node workers.
-- 'account': their owner has to connect it again.
select * from patchbay.overdue_endpoints order by overdue desc limit 100;

-- How many, by what they wait for.
select waits_for, count(*) as endpoints, max(overdue) as longest from patchbay.overdue_endpoints group by waits_for;

-- Which endpoints fail, why, since when, and when are they tried again? From the third failure in a row on they wait longer each time, up
-- to six hours. mass_delete_stopped is no failure: a run would have deleted most of the rows, and asks (docs: deletions_confirmed_at).
select * from patchbay.failing_endpoints order by consecutive_failures desc, failing_since limit 100;

-- The last runs of one of them.
select started_at, finished_at - started_at as took, pass, status, fetched, inserted, updated, deleted, requests, error_code, error_message
from sync_logs
where endpoint_id = 'your-endpoint-uuid'
order by started_at desc
limit 20;

-- Which endpoints take too long for their schedule? A longer interval, a smaller folder, or more workers help.
select * from patchbay.slow_endpoints order by percent_of_period desc nulls last limit 100;

-- How many files of each type does an endpoint have?
select file_type, files from patchbay.files_by_type where endpoint_id = 'your-endpoint-uuid' order by files desc;

-- All endpoints: reads the whole index, and not the files.
select * from patchbay.files_by_type order by files desc limit 100;

-- Which tokens are late, cannot be renewed, or are no longer accepted?
select * from patchbay.expiring_tokens order by expires_at limit 100;

-- How many jobs wait, how long has the first of them waited, and has a worker died?
select * from patchbay.queue_depth order by queue, state;

-- Are the providers' webhooks worked off? Their queue is not the only way: what a webhook misses, the schedule finds.
select * from patchbay.webhook_lag order by provider;

-- What has gone wrong in the last 30 days?
select * from patchbay.errors_by_day order by day desc, runs desc;

-- Whose runs were these, on one day?
select e.name, e.endpoint_type, e.user_id, l.error_message, count(*) as runs, max(l.finished_at) as last_at
from sync_logs l
join endpoints e on e.id = l.endpoint_id
where l.error_code = 'provider_rate_limited' and l.finished_at >= '2026-11-21' and l.finished_at < '2026-11-22'
group by e.name, e.endpoint_type, e.user_id, l.error_message
order by runs desc;

-- Does the scheduler tick? Where pg_cron is: the last runs of its jobs, newest first.
select j.jobname, r.status, r.return_message, r.start_time, r.end_time - r.start_time as took
from cron.job j
join cron.job_run_details r on r.jobid = j.jobid
where j.jobname like 'patchbay-%'
order by r.runid desc
limit 20;

-- What did the worker function answer when it was woken? Where pg_net is; it keeps its answers for six hours. 202 is as it should be.
select status_code, error_msg, count(*) as answers, max(created) as last_at
from net._http_response
group by status_code, error_msg
order by last_at desc;
