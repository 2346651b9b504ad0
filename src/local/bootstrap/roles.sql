-- The roles, schemas and default privileges of a hosted Supabase project. Every statement may run again. Roles belong to the whole
-- server, the rest to this database. https://github.com/supabase/postgres/tree/develop/migrations/db
do $$
declare
  v_role record;
begin
  for v_role in
    select * from (values
      ('supabase_admin', 'superuser login createdb createrole replication bypassrls'),
      -- Not a superuser, as hosted: a migration that needs more fails here too.
      ('postgres', 'login createdb createrole replication bypassrls'),
      ('anon', 'nologin noinherit'),
      ('authenticated', 'nologin noinherit'),
      ('service_role', 'nologin noinherit bypassrls'),
      -- Hosted: noinherit. The local Data API reads information_schema, which shows only what the login role may use.
      ('authenticator', 'login inherit'),
      ('supabase_auth_admin', 'login noinherit createrole')
    ) as wanted (name, attributes)
    where not exists (select from pg_catalog.pg_roles r where r.rolname = wanted.name)
  loop
    execute format('create role %I %s password %L', v_role.name, v_role.attributes, 'postgres');
  end loop;

  execute format('alter database %I owner to postgres', current_database());
end
$$;

set role supabase_admin;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

alter role supabase_admin set search_path to "$user", public, auth, extensions;
alter role postgres set search_path to "$user", public, extensions;
alter role authenticator set search_path to public, extensions;
alter role supabase_auth_admin set search_path to auth;
alter role anon set statement_timeout to '3s';
alter role authenticated set statement_timeout to '8s';
-- The only one of the three that works locally: a setting of a role counts when that role logs in.
alter role authenticator set statement_timeout to '8s';

-- Owned by supabase_admin: "supabase db reset" drops every schema that is not.
create schema if not exists extensions authorization supabase_admin;
create schema if not exists auth authorization supabase_admin;
grant usage on schema extensions, auth to postgres, anon, authenticated, service_role;
grant all on schema extensions to postgres;
grant all on schema auth to supabase_auth_admin;

create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

grant usage on schema public to postgres, anon, authenticated, service_role;

-- The grants of old projects, then what was taken from them on 30 October 2026: a new object in public is reachable only by its
-- own grants. truncate, references, trigger and, through PUBLIC, execute stay. https://github.com/orgs/supabase/discussions/45329
alter default privileges for role postgres in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on functions to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke execute on functions from anon, authenticated, service_role;

do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    alter publication supabase_realtime owner to postgres;
  end if;
end
$$;

reset role;
