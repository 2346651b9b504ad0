-- Queues one job for each key, with the settings of its queue: a bare insert would take the columns' defaults instead.
-- Returns the keys that were queued; a key with a live job is left out.
create function patchbay.enqueue(p_queue text, p_key_name text, p_keys uuid[])
returns setof uuid
language sql
set search_path = ''
as $$
  insert into pgboss.job (
    name, data, singleton_key, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, deletion_seconds,
    keep_until, dead_letter, heartbeat_seconds
  )
  select
    q.name, pg_catalog.jsonb_build_object(p_key_name, key.id), key.id::text, q.policy, q.retry_limit, q.retry_delay, q.retry_backoff,
    q.retry_delay_max, q.expire_seconds, q.deletion_seconds, pg_catalog.now() + q.retention_seconds * interval '1 second',
    q.dead_letter, q.heartbeat_seconds
  from pgboss.queue q, pg_catalog.unnest(p_keys) as key (id)
  where q.name = p_queue
  on conflict do nothing
  returning singleton_key::uuid
$$;

revoke execute on function patchbay.enqueue(text, text, uuid[]) from public;

-- Wakes the worker function when there is something to do. The URL and the secret are in Vault as patchbay_functions_url and
-- patchbay_worker_secret; without them, or without pg_net, Node workers are expected to poll.
create function patchbay.wake_worker()
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_url text;
  v_secret text;
begin
  if not exists (
    select from pgboss.job
    where name in ('sync', 'refresh-token') and state < 'active' and start_after <= pg_catalog.now()
  ) and not exists (
    -- A job whose worker has died: somebody has to notice.
    select from pgboss.job
    where name in ('sync', 'refresh-token') and state = 'active'
      and heartbeat_on + heartbeat_seconds * interval '1 second' < pg_catalog.now()
  ) then
    return;
  end if;

  if pg_catalog.to_regclass('vault.decrypted_secrets') is null
    or pg_catalog.to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is null then
    return;
  end if;

  select decrypted_secret into v_url from vault.decrypted_secrets where name = 'patchbay_functions_url';
  select decrypted_secret into v_secret from vault.decrypted_secrets where name = 'patchbay_worker_secret';
  if v_url is null or v_secret is null then
    return;
  end if;

  perform net.http_post(
    url := v_url || '/worker',
    headers := pg_catalog.jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || v_secret),
    body := '{}'::jsonb,
    timeout_milliseconds := 5000
  );
end
$$;

revoke execute on function patchbay.wake_worker() from public;

-- Due endpoints and tokens near their expiry become jobs. Returns how many. Reads two partial indexes, so that it costs what is due,
-- not what exists.
create function patchbay.enqueue_due(p_limit integer default 1000)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_endpoints uuid[];
  v_integrations uuid[];
begin
  v_endpoints := array(
    select e.id from public.endpoints e
    where e.enabled and e.integration_id is not null and e.next_sync_at <= pg_catalog.now()
    order by e.next_sync_at
    limit p_limit
    for no key update skip locked
  );
  v_endpoints := array(select patchbay.enqueue('sync', 'endpoint_id', v_endpoints));
  -- If the job is lost all the same, the endpoint is looked at again.
  update public.endpoints set next_sync_at = pg_catalog.now() + interval '15 minutes' where id = any (v_endpoints);

  v_integrations := array(
    select s.integration_id from patchbay.secrets s
    where s.refresh_due_at <= pg_catalog.now()
    order by s.refresh_due_at
    limit p_limit
  );
  -- Stays due until it is refreshed; until then its live job keeps others out.
  v_integrations := array(select patchbay.enqueue('refresh-token', 'integration_id', v_integrations));

  return pg_catalog.cardinality(v_endpoints) + pg_catalog.cardinality(v_integrations);
end
$$;

revoke execute on function patchbay.enqueue_due(integer) from public;

-- The scheduler's tick.
create function patchbay.dispatch()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_jobs integer := patchbay.enqueue_due();
begin
  perform patchbay.wake_worker();
  return v_jobs;
end
$$;

revoke execute on function patchbay.dispatch() from public;
