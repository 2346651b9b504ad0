-- pg-boss sets no search_path; a function that could be led to another schema's objects is not left so.
alter function pgboss.job_now() set search_path = '';
alter function pgboss.job_table_format(text, text) set search_path = '';
alter function pgboss.job_table_run(text, text, text) set search_path = '';
alter function pgboss.job_table_run_async(text, integer, text, text, text) set search_path = '';
alter function pgboss.create_queue(text, jsonb) set search_path = '';
alter function pgboss.delete_queue(text) set search_path = '';

revoke all on schema pgboss from public;

-- What a job did is in public.sync_logs; the job itself is kept for an hour.
-- exclusive: one queued or active job a key, so an endpoint never syncs twice at once.
-- A job dies only with its worker (every failure of a provider ends the run in an orderly way), so it is tried again soon, many
-- times: the heartbeat has to run out before, and each try goes on from the last committed page.
select pgboss.create_queue('sync', '{
  "policy": "exclusive", "retryLimit": 100, "retryDelay": 5, "expireInSeconds": 900, "heartbeatSeconds": 15, "deleteAfterSeconds": 3600
}'::jsonb);
select pgboss.create_queue('refresh-token', '{
  "policy": "exclusive", "retryLimit": 3, "retryDelay": 5, "retryBackoff": true, "expireInSeconds": 120, "heartbeatSeconds": 15,
  "deleteAfterSeconds": 3600
}'::jsonb);
