-- Credentials of an integration: ciphertext, a version to compare before writing, and a lease for the one that refreshes.
create table patchbay.secrets (
  integration_id uuid primary key references public.integrations (id) on delete cascade,
  version bigint not null default 1,
  access_token_jwe text not null,
  refresh_token_jwe text,
  token_type text not null default 'Bearer',
  scope text,
  expires_at timestamptz not null default 'infinity',
  refresh_due_at timestamptz not null default 'infinity',
  lease_owner uuid,
  lease_expires_at timestamptz,
  last_error_code text,
  updated_at timestamptz not null default now(),
  -- A compact JWE with a direct key has five parts, the second empty: clear text cannot be stored by mistake.
  constraint secrets_access_token_jwe_check
    check (access_token_jwe ~ '^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$'),
  constraint secrets_refresh_token_jwe_check
    check (refresh_token_jwe ~ '^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$')
);

comment on table patchbay.secrets is 'Encrypted credentials, one row an integration.';
comment on column patchbay.secrets.version is 'Raised by every write; a writer shows the version that it read.';
comment on column patchbay.secrets.refresh_due_at is 'When the scheduler refreshes ahead of expiry; infinity: never.';
comment on column patchbay.secrets.lease_owner is 'The caller that refreshes now. Others wait until lease_expires_at.';

create index secrets_refresh_due_at_idx on patchbay.secrets (refresh_due_at) where refresh_due_at < 'infinity';

alter table patchbay.secrets enable row level security;

-- The id of the key that a compact JWE was encrypted with, from its header (RFC 7516 §3.1).
create function patchbay.jwe_key_id(p_jwe text)
returns text
language sql
immutable
strict
set search_path = ''
as $$
  select pg_catalog.convert_from(
    pg_catalog.decode(
      pg_catalog.rpad(header.base64, (pg_catalog.length(header.base64) + 3) / 4 * 4, '='), 'base64'
    ), 'UTF8'
  )::jsonb ->> 'kid'
  from (select pg_catalog.translate(pg_catalog.split_part(p_jwe, '.', 1), '-_', '+/') as base64) header
$$;

revoke execute on function patchbay.jwe_key_id(text) from public;

-- What a client may know of a token: whose it is, how long it lasts. One active row an endpoint, as the monitoring queries expect.
-- access_token and refresh_token keep their names and say where the secret is; being generated, they cannot hold one.
create table public.oauth_tokens (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  integration_id uuid not null references public.integrations (id) on delete cascade,
  user_id uuid not null,
  access_token text not null generated always as ('patchbay:' || integration_id::text) stored,
  refresh_token text generated always as (case when refreshable then 'patchbay:' || integration_id::text end) stored,
  refreshable boolean not null,
  token_type text default 'Bearer',
  scope text,
  expires_at timestamptz not null,
  is_active boolean default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

comment on table public.oauth_tokens is 'Token metadata by endpoint. The tokens themselves are encrypted in a private schema.';
comment on column public.oauth_tokens.access_token is 'A reference, never a token.';
comment on column public.oauth_tokens.expires_at is 'When the access token ends; infinity: it does not.';

create unique index oauth_tokens_endpoint_id_key on public.oauth_tokens (endpoint_id);
create index oauth_tokens_integration_id_idx on public.oauth_tokens (integration_id);
create index oauth_tokens_user_id_idx on public.oauth_tokens (user_id);

-- Writes the metadata of an integration's token beside each of its endpoints, or one of them, touching only rows that differ.
create function patchbay.publish_token_metadata(p_integration_id uuid, p_endpoint_id uuid default null)
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
  where s.integration_id = p_integration_id and (p_endpoint_id is null or e.id = p_endpoint_id)
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

revoke execute on function patchbay.publish_token_metadata(uuid, uuid) from public;

-- Security definer: the owner who binds an endpoint to an account may not read patchbay.secrets.
create function patchbay.publish_token_metadata_of_endpoint()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.integration_id is null then
    delete from public.oauth_tokens where endpoint_id = new.id;
  else
    perform patchbay.publish_token_metadata(new.integration_id, new.id);
  end if;
  return null;
end
$$;

revoke execute on function patchbay.publish_token_metadata_of_endpoint() from public;

create trigger endpoints_publish_token_metadata
after insert or update of integration_id on public.endpoints
for each row execute function patchbay.publish_token_metadata_of_endpoint();

alter table public.oauth_tokens enable row level security;

revoke all on table public.oauth_tokens from anon, authenticated, service_role;
grant select on table public.oauth_tokens to authenticated;
grant select on table public.oauth_tokens to service_role;

create policy oauth_tokens_select_own on public.oauth_tokens
for select to authenticated using ((select auth.uid()) = user_id);
