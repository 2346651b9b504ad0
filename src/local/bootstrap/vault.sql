-- Stands in for Supabase Vault 0.3 where the server does not have it. Not encrypted: the key would lie in the same folder as the
-- data. Hosted keeps the root key away from the database. https://github.com/supabase/vault
set role supabase_admin;

create schema if not exists vault authorization supabase_admin;

create table if not exists vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);

create unique index if not exists secrets_name_idx on vault.secrets (name) where name is not null;

create or replace view vault.decrypted_secrets as
select id, name, description, secret, secret as decrypted_secret, key_id, nonce, created_at, updated_at from vault.secrets;

create or replace function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
)
returns uuid
language sql
security definer
set search_path = ''
as $$
  insert into vault.secrets (secret, name, description) values ($1, $2, $3) returning id
$$;

create or replace function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
)
returns void
language sql
security definer
set search_path = ''
as $$
  update vault.secrets s set
    secret = coalesce($2, s.secret), name = coalesce($3, s.name), description = coalesce($4, s.description), updated_at = now()
  where s.id = $1
$$;

revoke execute on all functions in schema vault from public;
grant usage on schema vault to postgres, service_role;
grant execute on all functions in schema vault to postgres, service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres, service_role;

reset role;
