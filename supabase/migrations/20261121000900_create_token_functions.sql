-- Connecting: the row must exist before its id can be bound into the ciphertext, so a connection is reserved, then completed.
create function patchbay.reserve_integration(
  p_user_id uuid, p_provider text, p_grant_type text, p_account_id text, p_account_label text
)
returns uuid
language sql
set search_path = ''
as $$
  insert into public.integrations as i (user_id, provider, grant_type, account_id, account_label, status, status_reason)
  values (p_user_id, p_provider, p_grant_type, p_account_id, p_account_label, 'disconnected', 'The connection was not completed.')
  on conflict (user_id, provider, account_id) do update set account_label = excluded.account_label
  returning id
$$;

comment on function patchbay.reserve_integration(uuid, text, text, text, text) is
  'Returns the id of this user''s integration with the account, made if need be; an existing one keeps its status and endpoints.';

-- Stores the first or a new pair of tokens and puts everything that waited for them to work: the user's endpoints without an
-- account, when this is the only one, and the endpoints that stopped with the old token.
create function patchbay.connect_integration(
  p_integration_id uuid,
  p_grant_type text,
  p_access_token_jwe text,
  p_refresh_token_jwe text,
  p_token_type text,
  p_scopes text[],
  p_expires_at timestamptz,
  p_refresh_due_at timestamptz
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into patchbay.secrets as s (
    integration_id, access_token_jwe, refresh_token_jwe, token_type, scope, expires_at, refresh_due_at
  )
  values (
    p_integration_id, p_access_token_jwe, p_refresh_token_jwe, p_token_type, pg_catalog.array_to_string(p_scopes, ' '),
    p_expires_at, p_refresh_due_at
  )
  on conflict (integration_id) do update set
    version = s.version + 1,
    access_token_jwe = excluded.access_token_jwe,
    -- A provider may give a refresh token with the first consent only: keep the one we have.
    refresh_token_jwe = coalesce(excluded.refresh_token_jwe, s.refresh_token_jwe),
    token_type = excluded.token_type,
    scope = excluded.scope,
    expires_at = excluded.expires_at,
    refresh_due_at = excluded.refresh_due_at,
    lease_owner = null,
    lease_expires_at = null,
    last_error_code = null,
    updated_at = pg_catalog.now();

  update public.integrations
  set status = 'connected', status_reason = null, grant_type = p_grant_type, scopes = p_scopes
  where id = p_integration_id;

  update public.endpoints e
  set integration_id = i.id
  from public.integrations i, patchbay.endpoint_types t
  where i.id = p_integration_id
    and e.user_id = i.user_id
    and e.integration_id is null
    -- One that has been read before lost its account: its owner says which one follows.
    and not exists (select from patchbay.sync_state s where s.endpoint_id = e.id)
    and t.endpoint_type = e.endpoint_type
    and t.provider = i.provider
    and not exists (
      select from public.integrations other
      where other.user_id = i.user_id and other.provider = i.provider and other.id <> i.id and other.status <> 'disconnected'
    );

  update public.endpoints set next_sync_at = pg_catalog.now()
  where integration_id = p_integration_id and next_sync_at = 'infinity';

  perform patchbay.publish_token_metadata(p_integration_id);
end
$$;

-- Hands the right to refresh to one caller. Outcomes: 'granted' (and granted again to the same owner, whose lease begins anew),
-- 'changed' (someone refreshed since p_version: use what is returned), 'wait' (another caller holds the lease), 'needs_reauth',
-- 'not_connected'. No row: the integration has no secret.
create function patchbay.begin_refresh(p_integration_id uuid, p_owner uuid, p_version bigint, p_lease_ms integer)
returns table (
  outcome text,
  version bigint,
  access_token_jwe text,
  refresh_token_jwe text,
  token_type text,
  expires_at timestamptz,
  refresh_due_at timestamptz,
  grant_type text,
  status text
)
language plpgsql
set search_path = ''
as $$
declare
  v_granted boolean;
begin
  update patchbay.secrets s
  set lease_owner = p_owner,
    lease_expires_at = pg_catalog.clock_timestamp() + p_lease_ms * interval '1 millisecond'
  from public.integrations i
  where s.integration_id = p_integration_id
    and i.id = s.integration_id
    and i.status in ('connected', 'error')
    and s.version = p_version
    and (s.lease_owner is null or s.lease_owner = p_owner or s.lease_expires_at < pg_catalog.clock_timestamp());
  v_granted := found;

  return query
  select
    case
      when v_granted then 'granted'
      when i.status = 'disconnected' then 'not_connected'
      when i.status = 'needs_reauth' then 'needs_reauth'
      when s.version <> p_version then 'changed'
      else 'wait'
    end,
    s.version, s.access_token_jwe, s.refresh_token_jwe, s.token_type, s.expires_at, s.refresh_due_at, i.grant_type, i.status
  from patchbay.secrets s
  join public.integrations i on i.id = s.integration_id
  where s.integration_id = p_integration_id;
end
$$;

-- Writes a refreshed pair, if nobody wrote since it was asked for. False: the pair was not stored. The lease decides who asks, the
-- version alone who writes: a pair that the provider gave is good even when the lease ran out meanwhile, and with rotation it may be
-- the only good one.
create function patchbay.finish_refresh(
  p_integration_id uuid,
  p_version bigint,
  p_access_token_jwe text,
  p_refresh_token_jwe text,
  p_token_type text,
  p_scope text,
  p_expires_at timestamptz,
  p_refresh_due_at timestamptz
)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update patchbay.secrets s
  set version = s.version + 1,
    access_token_jwe = p_access_token_jwe,
    refresh_token_jwe = coalesce(p_refresh_token_jwe, s.refresh_token_jwe),
    token_type = p_token_type,
    scope = coalesce(p_scope, s.scope),
    expires_at = p_expires_at,
    refresh_due_at = p_refresh_due_at,
    lease_owner = null,
    lease_expires_at = null,
    last_error_code = null,
    updated_at = pg_catalog.now()
  where s.integration_id = p_integration_id and s.version = p_version;

  if not found then
    return false;
  end if;

  update public.integrations set status = 'connected', status_reason = null
  where id = p_integration_id and status in ('error', 'needs_reauth');
  -- Where another caller was refused because this one was served, its endpoints had stopped.
  update public.endpoints set next_sync_at = pg_catalog.now()
  where integration_id = p_integration_id and next_sync_at = 'infinity';
  perform patchbay.publish_token_metadata(p_integration_id);
  return true;
end
$$;

-- Gives the lease back after a failure, so that the next caller need not wait for it to run out; the scheduler waits a minute.
create function patchbay.release_refresh(p_integration_id uuid, p_owner uuid, p_error_code text)
returns void
language sql
set search_path = ''
as $$
  update patchbay.secrets
  set lease_owner = null,
    lease_expires_at = null,
    last_error_code = p_error_code,
    refresh_due_at = greatest(refresh_due_at, pg_catalog.now() + interval '1 minute')
  where integration_id = p_integration_id and lease_owner = p_owner
$$;

-- Says that only the owner can mend the integration. Does nothing, and returns false, when the token was replaced since p_version:
-- the provider's refusal was about an older one.
create function patchbay.mark_needs_reauth(p_integration_id uuid, p_version bigint, p_reason text)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform from patchbay.secrets where integration_id = p_integration_id and version = p_version for update;
  if not found then
    return false;
  end if;

  update public.integrations set status = 'needs_reauth', status_reason = p_reason
  where id = p_integration_id and status in ('connected', 'error');
  update patchbay.secrets
  set lease_owner = null, lease_expires_at = null, refresh_due_at = 'infinity', last_error_code = 'needs_reauth'
  where integration_id = p_integration_id;
  -- Nothing to do for its endpoints until the account is connected again.
  update public.endpoints set next_sync_at = 'infinity' where integration_id = p_integration_id;
  perform patchbay.publish_token_metadata(p_integration_id);
  return true;
end
$$;

revoke execute on function patchbay.reserve_integration(uuid, text, text, text, text) from public;
revoke execute on function
  patchbay.connect_integration(uuid, text, text, text, text, text[], timestamptz, timestamptz) from public;
revoke execute on function patchbay.begin_refresh(uuid, uuid, bigint, integer) from public;
revoke execute on function
  patchbay.finish_refresh(uuid, bigint, text, text, text, text, timestamptz, timestamptz) from public;
revoke execute on function patchbay.release_refresh(uuid, uuid, text) from public;
revoke execute on function patchbay.mark_needs_reauth(uuid, bigint, text) from public;
