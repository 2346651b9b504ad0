-- A provider may give several tokens at once, such as a bot's and its user's: each is a secret of its own, with its own version, lease and
-- refresh. `primary` is the one that API requests are sent with.

-- The tables that change have one small row a connection, so that each of these rules would save milliseconds. What could take longer is
-- to get the lock, and then it is the migration that gives up, not everyone who would wait behind it.
-- squawk-ignore-file constraint-missing-not-valid, adding-serial-primary-key-field, adding-foreign-key-constraint, require-concurrent-index-creation
set lock_timeout = '5s';

alter table patchbay.secrets add column name text not null default 'primary';
alter table patchbay.secrets add constraint secrets_name_check check (name ~ '^[a-z][a-z_]{0,30}$');
alter table patchbay.secrets drop constraint secrets_pkey;
alter table patchbay.secrets add constraint secrets_pkey primary key (integration_id, name);

comment on column patchbay.secrets.name is 'primary: what API requests are sent with. Others are kept and refreshed beside it.';

alter table public.integrations drop constraint integrations_grant_type_check;
alter table public.integrations add constraint integrations_grant_type_check
check (grant_type in ('authorization_code', 'service_account', 'client_credentials'));

comment on column public.integrations.grant_type is
  'authorization_code: the user consented. service_account, client_credentials: the operator''s key or app, given to this user by the operator.';

alter table public.integrations add column connected_at timestamptz;
update public.integrations i set connected_at = i.updated_at
where exists (select from patchbay.secrets s where s.integration_id = i.id);

-- A version must never come again, also when an account is disconnected and connected anew: a late writer shows the one that it read.
alter table public.integrations add column secret_version bigint not null default 0;

comment on column public.integrations.secret_version is 'The highest version that an ended secret of this integration had.';
comment on column public.integrations.connected_at is 'When its owner last consented. Null: the first connection was never completed.';

-- One account may reach several companies; the one that is worked with is chosen, never guessed.
alter table public.integrations add column tenant_id text;
alter table public.integrations add column tenant_label text;

comment on column public.integrations.tenant_id is 'The company that requests are about, where one account reaches several. Null: not chosen, or the provider has none.';

alter table patchbay.oauth_states add column integration_id uuid references public.integrations (id) on delete cascade;

comment on column patchbay.oauth_states.integration_id is 'Set when this connection is to be made anew: another account is refused.';

create index oauth_states_integration_id_idx on patchbay.oauth_states (integration_id);

create or replace function patchbay.publish_token_metadata(p_integration_id uuid, p_endpoint_id uuid default null)
returns void
language sql
set search_path = ''
as $$
  insert into public.oauth_tokens as t
    (endpoint_id, integration_id, user_id, refreshable, token_type, scope, expires_at, is_active)
  select e.id, s.integration_id, e.user_id, s.refresh_token_jwe is not null, s.token_type, s.scope, s.expires_at,
    i.status = 'connected'
  from patchbay.secrets s
  join public.integrations i on i.id = s.integration_id
  join public.endpoints e on e.integration_id = i.id
  where s.integration_id = p_integration_id and s.name = 'primary' and (p_endpoint_id is null or e.id = p_endpoint_id)
  on conflict (endpoint_id) do update set
    integration_id = excluded.integration_id,
    user_id = excluded.user_id,
    refreshable = excluded.refreshable,
    token_type = excluded.token_type,
    scope = excluded.scope,
    expires_at = excluded.expires_at,
    is_active = excluded.is_active,
    updated_at = pg_catalog.now()
  where (t.integration_id, t.refreshable, t.token_type, t.scope, t.expires_at, t.is_active)
    is distinct from (excluded.integration_id, excluded.refreshable, excluded.token_type, excluded.scope, excluded.expires_at, excluded.is_active)
$$;

drop function patchbay.connect_integration(uuid, text, text, text, text, text[], timestamptz, timestamptz);

-- Stores the first or new tokens and puts everything that waited for them to work: the user's endpoints without an account, when this
-- is the only one, and the endpoints that stopped with the old token. p_tokens: an array of
--   { name, access_token_jwe, refresh_token_jwe, token_type, expires_at, refresh_due_at }
create function patchbay.connect_integration(
  p_integration_id uuid, p_grant_type text, p_scopes text[], p_tokens jsonb, p_origin jsonb default null
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_before public.integrations;
  v_ended_version bigint;
begin
  perform patchbay.act_as(p_origin);
  -- Secrets before integrations, everywhere: a refresh takes them in that order.
  perform from patchbay.secrets s where s.integration_id = p_integration_id order by s.name for update;
  select * into v_before from public.integrations where id = p_integration_id for no key update;

  insert into patchbay.secrets as s (
    integration_id, name, version, access_token_jwe, refresh_token_jwe, token_type, scope, expires_at, refresh_due_at
  )
  select
    p_integration_id, t.name, v_before.secret_version + 1, t.access_token_jwe, t.refresh_token_jwe, t.token_type, pg_catalog.array_to_string(p_scopes, ' '),
    t.expires_at,
    -- Without a refresh token it is good until it ends.
    case
      when t.refresh_token_jwe is null and p_grant_type = 'authorization_code' then t.expires_at else t.refresh_due_at
    end
  from pg_catalog.jsonb_to_recordset(p_tokens) as t (
    name text, access_token_jwe text, refresh_token_jwe text, token_type text, expires_at timestamptz, refresh_due_at timestamptz
  )
  on conflict (integration_id, name) do update set
    version = s.version + 1,
    access_token_jwe = excluded.access_token_jwe,
    -- A provider may give a refresh token with the first consent only: keep the one we have, unless it was refused.
    refresh_token_jwe = coalesce(
      excluded.refresh_token_jwe, case when v_before.status in ('connected', 'error') then s.refresh_token_jwe end
    ),
    token_type = excluded.token_type,
    scope = excluded.scope,
    expires_at = excluded.expires_at,
    refresh_due_at = excluded.refresh_due_at,
    lease_owner = null,
    lease_expires_at = null,
    last_error_code = null,
    updated_at = pg_catalog.now();
  -- What the last consent did not give is not kept from an earlier one.
  with ended as (
    delete from patchbay.secrets
    where integration_id = p_integration_id
      and name not in (select t.name from pg_catalog.jsonb_to_recordset(p_tokens) as t (name text))
    returning version
  )
  select pg_catalog.max(version) into v_ended_version from ended;

  if v_before.status = 'connected' then
    perform patchbay.record_event(
      v_before.user_id, v_before.id, v_before.provider, 'reconnected', v_before.status, v_before.status, null, p_origin
    );
  end if;
  update public.integrations
  set status = 'connected', status_reason = null, grant_type = p_grant_type, scopes = p_scopes, connected_at = pg_catalog.now(),
    secret_version = greatest(secret_version, v_ended_version)
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
    and (
      e.endpoint_config ->> 'client_id' = i.account_id
      or not exists (
        select from public.integrations other
        where other.user_id = i.user_id and other.provider = i.provider and other.id <> i.id and other.status <> 'disconnected'
      )
    );

  update public.endpoints set next_sync_at = pg_catalog.now()
  where integration_id = p_integration_id and next_sync_at = 'infinity';

  perform patchbay.publish_token_metadata(p_integration_id);
end
$$;

-- An endpoint that names a client_id reads with that app itself, where its user has been given it; otherwise with the user's account.
-- Before endpoints_validate, by its name, which then finds integration_id set.
create function patchbay.bind_client_id()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.integration_id := (
    select i.id
    from public.integrations i
    join patchbay.endpoint_types t on t.provider = i.provider
    where t.endpoint_type = new.endpoint_type
      and i.user_id = new.user_id
      and i.grant_type = 'client_credentials'
      and i.account_id = new.endpoint_config ->> 'client_id'
      and i.status <> 'disconnected'
  );
  return new;
end
$$;

revoke execute on function patchbay.bind_client_id() from public;

create trigger endpoints_bind_client_id
before insert on public.endpoints
for each row when (new.integration_id is null and new.endpoint_config ? 'client_id')
execute function patchbay.bind_client_id();

drop function patchbay.begin_refresh(uuid, uuid, bigint, integer);

-- Hands the right to refresh one token to one caller. Outcomes: 'granted' (and granted again to the same owner, whose lease begins
-- anew), 'changed' (someone refreshed since p_version: use what is returned), 'wait' (another caller holds the lease), 'needs_reauth',
-- 'not_connected'. No row: the integration has no such secret.
create function patchbay.begin_refresh(p_integration_id uuid, p_name text, p_owner uuid, p_version bigint, p_lease_ms integer)
returns table (
  outcome text,
  version bigint,
  access_token_jwe text,
  refresh_token_jwe text,
  token_type text,
  expires_at timestamptz,
  refresh_due_at timestamptz,
  grant_type text,
  account_id text,
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
    and s.name = p_name
    and i.id = s.integration_id
    and i.status in ('connected', 'error')
    and s.last_error_code is distinct from 'needs_reauth'
    and s.version = p_version
    and (s.lease_owner is null or s.lease_owner = p_owner or s.lease_expires_at < pg_catalog.clock_timestamp());
  v_granted := found;

  return query
  select
    case
      when v_granted then 'granted'
      when i.status = 'disconnected' then 'not_connected'
      when i.status = 'needs_reauth' or s.last_error_code = 'needs_reauth' then 'needs_reauth'
      when s.version <> p_version then 'changed'
      else 'wait'
    end,
    s.version, s.access_token_jwe, s.refresh_token_jwe, s.token_type, s.expires_at, s.refresh_due_at, i.grant_type, i.account_id,
    i.status
  from patchbay.secrets s
  join public.integrations i on i.id = s.integration_id
  where s.integration_id = p_integration_id and s.name = p_name;
end
$$;

drop function patchbay.finish_refresh(uuid, bigint, text, text, text, text, timestamptz, timestamptz);

-- Writes a refreshed pair, if nobody wrote since it was asked for. False: the pair was not stored. The lease decides who asks, the
-- version alone who writes: a pair that the provider gave is good even when the lease ran out meanwhile, and with rotation it may be
-- the only good one.
create function patchbay.finish_refresh(
  p_integration_id uuid,
  p_name text,
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
  perform patchbay.act_as('{"actor": "system", "source": "refresh"}');
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
  where s.integration_id = p_integration_id and s.name = p_name and s.version = p_version;

  if not found then
    -- Disconnected meanwhile: what the provider has just given must end too.
    if not exists (select from patchbay.secrets s where s.integration_id = p_integration_id and s.name = p_name) then
      perform patchbay.revoke_unstored(p_integration_id, p_name, p_access_token_jwe, p_refresh_token_jwe);
    end if;
    return false;
  end if;
  if p_name <> 'primary' then
    return true;
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

drop function patchbay.release_refresh(uuid, uuid, text);

-- Gives the lease back after a failure, so that the next caller need not wait for it to run out; the scheduler waits as long
-- as the provider asked, a minute at least. p_reason says what the owner sees once the token has expired; null where it is the
-- operator's to mend, and no integration's fault.
create function patchbay.release_refresh(
  p_integration_id uuid, p_name text, p_owner uuid, p_error_code text, p_reason text, p_retry_after_ms integer default 0
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_expires_at timestamptz;
begin
  perform patchbay.act_as('{"actor": "system", "source": "refresh"}');
  update patchbay.secrets
  set lease_owner = null,
    lease_expires_at = null,
    last_error_code = p_error_code,
    refresh_due_at = greatest(
      refresh_due_at, pg_catalog.now() + greatest(interval '1 minute', p_retry_after_ms * interval '1 millisecond')
    )
  where integration_id = p_integration_id and name = p_name and lease_owner = p_owner
  returning expires_at into v_expires_at;

  if p_reason is not null and p_name = 'primary' and v_expires_at <= pg_catalog.now() then
    update public.integrations set status = 'error', status_reason = p_reason
    where id = p_integration_id and status = 'connected';
  end if;
end
$$;

drop function patchbay.mark_needs_reauth(uuid, bigint, text);

-- Says that only the owner can mend the integration. Does nothing, and returns false, when the token was replaced since p_version:
-- the provider's refusal was about an older one. Without one of its other tokens an integration goes on.
create function patchbay.mark_needs_reauth(p_integration_id uuid, p_name text, p_version bigint, p_reason text)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform patchbay.act_as('{"actor": "system", "source": "refresh"}');
  update patchbay.secrets
  set lease_owner = null, lease_expires_at = null, refresh_due_at = 'infinity', last_error_code = 'needs_reauth'
  where integration_id = p_integration_id and name = p_name and version = p_version;
  if not found then
    return false;
  end if;
  if p_name <> 'primary' then
    return true;
  end if;

  update public.integrations set status = 'needs_reauth', status_reason = p_reason
  where id = p_integration_id and status in ('connected', 'error');
  -- Nothing to do for its endpoints until the account is connected again.
  update public.endpoints set next_sync_at = 'infinity' where integration_id = p_integration_id;
  perform patchbay.publish_token_metadata(p_integration_id);
  return true;
end
$$;

revoke execute on function patchbay.connect_integration(uuid, text, text[], jsonb, jsonb) from public;
revoke execute on function patchbay.begin_refresh(uuid, text, uuid, bigint, integer) from public;
revoke execute on function
  patchbay.finish_refresh(uuid, text, bigint, text, text, text, text, timestamptz, timestamptz) from public;
revoke execute on function patchbay.release_refresh(uuid, text, uuid, text, text, integer) from public;
revoke execute on function patchbay.mark_needs_reauth(uuid, text, bigint, text) from public;

-- Due endpoints and tokens near their expiry become jobs, of integrations that can be used. Returns how many. Reads two partial indexes,
-- so that it costs what is due, not what exists.
create or replace function patchbay.enqueue_due(p_limit integer default 1000)
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
    join public.integrations i on i.id = e.integration_id
    where e.enabled and e.integration_id is not null and e.next_sync_at <= pg_catalog.now()
      and i.status in ('connected', 'error')
    order by e.next_sync_at
    limit p_limit
    for no key update of e skip locked
  );
  v_endpoints := array(select patchbay.enqueue('sync', 'endpoint_id', v_endpoints));
  -- If the job is lost all the same, the endpoint is looked at again.
  update public.endpoints set next_sync_at = pg_catalog.now() + interval '15 minutes' where id = any (v_endpoints);

  v_integrations := array(
    select s.integration_id from patchbay.secrets s
    join public.integrations i on i.id = s.integration_id
    where s.refresh_due_at <= pg_catalog.now() and i.status in ('connected', 'error')
    order by s.refresh_due_at
    limit p_limit
  );
  -- Stays due until it is refreshed; until then its live job keeps others out.
  v_integrations := array(select patchbay.enqueue('refresh-token', 'integration_id', v_integrations));

  return pg_catalog.cardinality(v_endpoints) + pg_catalog.cardinality(v_integrations);
end
$$;

-- The seeds' sweep, every 12 hours: what the proactive refresh did not reach. Tokens that have expired although they could be refreshed,
-- and those whose provider never says when they end: unused, some die without a word.
create function patchbay.sweep_tokens()
returns integer
language sql
set search_path = ''
as $$
  with due as (
    update patchbay.secrets s
    set refresh_due_at = pg_catalog.now()
    from public.integrations i
    where i.id = s.integration_id
      and i.status in ('connected', 'error')
      and s.refresh_token_jwe is not null
      and s.last_error_code is distinct from 'needs_reauth'
      and (s.expires_at <= pg_catalog.now() or s.expires_at = 'infinity' and s.updated_at < pg_catalog.now() - interval '11 hours')
      and s.refresh_due_at > pg_catalog.now()
    returning 1
  )
  select pg_catalog.count(*)::integer from due
$$;

revoke execute on function patchbay.sweep_tokens() from public;

reset lock_timeout;
