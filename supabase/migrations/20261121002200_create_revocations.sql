-- A disconnected token on its way to the provider's revocation. Its ciphertext stays here until that has answered, for a day at most.
create table patchbay.revocations (
  id uuid primary key default gen_random_uuid(),
  -- No foreign keys: a token is revoked also when its integration, or its user, is deleted.
  integration_id uuid not null,
  user_id uuid not null,
  provider text not null,
  grant_type text not null,
  account_id text not null,
  account_label text,
  name text not null,
  access_token_jwe text not null,
  refresh_token_jwe text,
  created_at timestamptz not null default now()
);

comment on table patchbay.revocations is 'Tokens of ended connections, until the provider has been told.';

create index revocations_created_at_idx on patchbay.revocations (created_at);

alter table patchbay.revocations enable row level security;

-- Tried again with growing pauses, for some hours; the sweep forgets what is a day old.
select pgboss.create_queue('revoke-token', '{
  "policy": "exclusive", "retryLimit": 10, "retryDelay": 30, "retryBackoff": true, "retryDelayMax": 7200, "expireInSeconds": 120,
  "heartbeatSeconds": 15, "deleteAfterSeconds": 3600
}'::jsonb);

-- Moves an integration's secrets to the revocations, and queues a job for each.
create function patchbay.revoke_secrets(p_integration public.integrations)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_ids uuid[];
begin
  with revoked as (
    insert into patchbay.revocations (
      integration_id, user_id, provider, grant_type, account_id, account_label, name, access_token_jwe, refresh_token_jwe
    )
    select
      s.integration_id, p_integration.user_id, p_integration.provider, p_integration.grant_type, p_integration.account_id,
      p_integration.account_label, s.name, s.access_token_jwe, s.refresh_token_jwe
    from patchbay.secrets s
    where s.integration_id = p_integration.id and p_integration.grant_type = 'authorization_code'
    returning id
  )
  select pg_catalog.array_agg(id) into v_ids from revoked;

  perform patchbay.enqueue('revoke-token', 'revocation_id', coalesce(v_ids, '{}'));
  delete from patchbay.secrets where integration_id = p_integration.id;
end
$$;

revoke execute on function patchbay.revoke_secrets(public.integrations) from public;

-- A pair that was asked for before its integration was disconnected, and came after: it is told to the provider as well.
create function patchbay.revoke_unstored(p_integration_id uuid, p_name text, p_access_token_jwe text, p_refresh_token_jwe text)
returns void
language sql
set search_path = ''
as $$
  with revoked as (
    insert into patchbay.revocations (
      integration_id, user_id, provider, grant_type, account_id, account_label, name, access_token_jwe, refresh_token_jwe
    )
    select i.id, i.user_id, i.provider, i.grant_type, i.account_id, i.account_label, p_name, p_access_token_jwe, p_refresh_token_jwe
    from public.integrations i
    where i.id = p_integration_id and i.grant_type = 'authorization_code'
    returning id
  )
  select patchbay.enqueue('revoke-token', 'revocation_id', pg_catalog.array_agg(id)) from revoked
$$;

revoke execute on function patchbay.revoke_unstored(uuid, text, text, text) from public;

-- Ends a connection: its secrets leave at once, whatever the provider says later; its endpoints stop. Their rows stay, unless
-- p_delete_rows. False: this user has no such integration.
create function patchbay.disconnect_integration(
  p_user_id uuid, p_integration_id uuid, p_delete_rows boolean, p_origin jsonb default null
)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_integration public.integrations;
  v_endpoints uuid[];
begin
  perform patchbay.act_as(p_origin);
  perform from patchbay.secrets s where s.integration_id = p_integration_id order by s.name for update;
  select * into v_integration from public.integrations
  where id = p_integration_id and user_id = p_user_id for no key update;
  if not found then
    return false;
  end if;

  update public.integrations i set secret_version = greatest(i.secret_version, s.version)
  from (select pg_catalog.max(version) as version from patchbay.secrets where integration_id = p_integration_id) s
  where i.id = p_integration_id and s.version is not null;
  perform patchbay.revoke_secrets(v_integration);
  update public.integrations set status = 'disconnected', status_reason = 'Disconnected by its owner.'
  where id = p_integration_id and status <> 'disconnected';

  v_endpoints := array(
    select e.id from public.endpoints e where e.integration_id = p_integration_id order by e.id for no key update
  );
  update public.endpoints set next_sync_at = 'infinity' where id = any (v_endpoints);
  update public.oauth_tokens set is_active = false, updated_at = pg_catalog.now()
  where integration_id = p_integration_id and is_active;

  -- Whatever runs now is stopped by the fence.
  update public.sync_logs l set
    status = 'failed', error_code = 'not_connected', error_message = 'The account was disconnected during this run.',
    finished_at = pg_catalog.clock_timestamp()
  from patchbay.sync_state s
  where s.endpoint_id = any (v_endpoints) and l.id = s.run_id;
  update patchbay.sync_state s set
    fence = s.fence + 1, run_id = null, cursor = case when p_delete_rows then null else s.cursor end
  where s.endpoint_id = any (v_endpoints);
  update public.endpoints set last_sync_status = 'pending' where id = any (v_endpoints) and last_sync_status = 'running';

  if p_delete_rows then
    delete from public.files where endpoint_id = any (v_endpoints);
    delete from patchbay.folders where endpoint_id = any (v_endpoints);
    delete from patchbay.seen_pages where endpoint_id = any (v_endpoints);
    delete from patchbay.pending_deletes where endpoint_id = any (v_endpoints);
  end if;
  return true;
end
$$;

revoke execute on function patchbay.disconnect_integration(uuid, uuid, boolean, jsonb) from public;

-- A row that is deleted, with its user or alone, ends its connection as well.
create function patchbay.revoke_deleted_integration()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform patchbay.revoke_secrets(old);
  return old;
end
$$;

revoke execute on function patchbay.revoke_deleted_integration() from public;

create trigger integrations_revoke_deleted
before delete on public.integrations
for each row execute function patchbay.revoke_deleted_integration();

-- Ends a revocation: p_event is 'revoked', 'revocation_skipped' or 'revocation_failed'.
create function patchbay.finish_revocation(p_id uuid, p_event text, p_reason text)
returns void
language sql
set search_path = ''
as $$
  with done as (
    delete from patchbay.revocations where id = p_id returning *
  )
  select patchbay.record_event(
    done.user_id, i.id, done.provider, p_event, null, null, p_reason, '{"actor": "system", "source": "revoke-token"}'
  )
  from done
  join auth.users u on u.id = done.user_id
  left join public.integrations i on i.id = done.integration_id
$$;

revoke execute on function patchbay.finish_revocation(uuid, text, text) from public;

-- Wakes the worker function when there is something to do. The URL and the secret are in Vault as patchbay_functions_url and
-- patchbay_worker_secret; without them, or without pg_net, Node workers are expected to poll.
create or replace function patchbay.wake_worker()
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_queues text[] := array['sync', 'refresh-token', 'revoke-token'];
  v_url text;
  v_secret text;
begin
  if not exists (
    select from pgboss.job
    where name = any (v_queues) and state < 'active' and start_after <= pg_catalog.now()
  ) and not exists (
    -- A job whose worker has died: somebody has to notice.
    select from pgboss.job
    where name = any (v_queues) and state = 'active'
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
