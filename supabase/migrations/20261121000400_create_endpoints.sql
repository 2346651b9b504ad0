-- What can be synced, and by which provider. A new provider adds its rows in a migration of its own.
create table patchbay.endpoint_types (
  endpoint_type text primary key,
  provider text not null,
  constraint endpoint_types_endpoint_type_check check (endpoint_type ~ '^[a-z][a-z0-9_]{0,62}$')
);

alter table patchbay.endpoint_types enable row level security;

insert into patchbay.endpoint_types (endpoint_type, provider) values ('google_drive', 'google-drive');

-- An endpoint is one thing to sync, with its schedule. Its owner creates, changes, pauses and deletes it.
create table public.endpoints (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  endpoint_type text not null,
  project_id text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  description text,
  enabled boolean not null default true,
  schedule_type text not null default 'interval',
  schedule_cron text not null default '*/5 * * * *',
  interval_minutes integer default 5,
  file_types jsonb default '["*"]',
  max_files_per_sync integer default 1000,
  endpoint_config jsonb not null default '{}',
  tags jsonb default '[]',
  last_sync_status text not null default 'pending',
  integration_id uuid references public.integrations (id) on delete set null,
  time_zone text not null default 'UTC',
  next_sync_at timestamptz not null default now(),
  last_sync_at timestamptz,
  delete_guard_percent integer not null default 50,
  deletions_confirmed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint endpoints_name_check check (length(trim(name)) between 1 and 200),
  constraint endpoints_schedule_type_check check (schedule_type in ('interval', 'cron')),
  constraint endpoints_max_files_per_sync_check check (max_files_per_sync > 0),
  constraint endpoints_endpoint_config_check check (jsonb_typeof(endpoint_config) = 'object'),
  constraint endpoints_tags_check check (jsonb_typeof(tags) = 'array'),
  constraint endpoints_delete_guard_percent_check check (delete_guard_percent between 0 and 100),
  constraint endpoints_last_sync_status_check
    check (last_sync_status in ('pending', 'running', 'completed', 'partial', 'failed', 'stopped'))
);

comment on table public.endpoints is 'One thing to sync, with its schedule: a Drive folder, a shared drive, a whole account.';
comment on column public.endpoints.integration_id is 'The account that is read. Empty on insert: the user''s only account at the provider, or the one connected next.';
comment on column public.endpoints.max_files_per_sync is 'How many files one run reads at most; what is left follows in the next run. Null: no limit.';
comment on column public.endpoints.next_sync_at is 'When the scheduler picks it up. Set it to now() to sync now; infinity: not until an account is connected.';
comment on column public.endpoints.delete_guard_percent is 'A run that would delete more than this share of the rows, and more than 100 rows, stops and asks.';
comment on column public.endpoints.deletions_confirmed_at is 'Set to now() to let the next run delete what the guard stopped. Used once.';

create index endpoints_user_id_idx on public.endpoints (user_id);
create index endpoints_integration_id_idx on public.endpoints (integration_id);
create index endpoints_next_sync_at_idx on public.endpoints (next_sync_at) where enabled and integration_id is not null;

-- Five fields: minute, hour, day of month, month, day of week. Numbers, ranges, lists and steps; the library that computes the
-- times accepts all of these (test/db/cron.test.ts compares the two).
create function patchbay.is_cron(p_cron text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  with field as (
    select f.value, f.ordinality as i
    from pg_catalog.regexp_split_to_table(pg_catalog.btrim(p_cron), '\s+') with ordinality as f (value, ordinality)
  ),
  item as (
    select
      field.i,
      part.value as item,
      pg_catalog.regexp_match(part.value, '^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$') as found
    from field, pg_catalog.regexp_split_to_table(field.value, ',') as part (value)
  ),
  bounds (i, low, high) as (
    values (1, 0, 59), (2, 0, 23), (3, 1, 31), (4, 1, 12), (5, 0, 7)
  )
  select
    p_cron is not null
    and (select pg_catalog.count(*) from field) = 5
    and not exists (
      select
      from item
      left join bounds using (i)
      where item.found is null
        or bounds.low is null
        or not coalesce(item.found[1]::int between bounds.low and bounds.high, true)
        or not coalesce(item.found[2]::int between item.found[1]::int and bounds.high, true)
        or not coalesce(item.found[3]::int between 1 and bounds.high, true)
        -- A step after one number is read differently by different libraries: refuse it.
        or (item.found[3] is not null and item.found[1] is not null and item.found[2] is null)
    )
$$;

revoke execute on function patchbay.is_cron(text) from public;

create function patchbay.is_time_zone(p_name text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  -- Names of places, which every runtime knows: offsets and abbreviations have no daylight saving time, and the rest differs.
  return p_name ~ '^[A-Z][A-Za-z_]+/' and exists (select from pg_catalog.pg_timezone_names where name = p_name);
end
$$;

revoke execute on function patchbay.is_time_zone(text) from public;

-- Patterns are a user's and run in a worker that serves everybody: what could keep it busy is refused. src/shared/sync/file-filter.ts
-- holds the same bounds.
create function patchbay.is_file_types(p_file_types jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select case
    when pg_catalog.jsonb_typeof(p_file_types) <> 'array' or pg_catalog.jsonb_array_length(p_file_types) > 50 then false
    else not exists (
      select from pg_catalog.jsonb_array_elements(p_file_types) as item (value)
      where pg_catalog.jsonb_typeof(item.value) <> 'string'
        or item.value #>> '{}' !~ '^[^][()+!@\\]{1,100}$'
        or item.value #>> '{}' ~ '\*+[^*]+\*+[^*]+\*'
    )
  end
$$;

revoke execute on function patchbay.is_file_types(jsonb) from public;

-- The account that an endpoint without one is meant to read: never one of several.
create function patchbay.resolve_integration(p_user_id uuid, p_provider text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_ids uuid[];
begin
  select pg_catalog.array_agg(id) into v_ids
  from public.integrations
  where user_id = p_user_id and provider = p_provider and status <> 'disconnected';

  if pg_catalog.cardinality(v_ids) > 1 then
    perform patchbay.refuse(
      'endpoints_integration_id_check',
      pg_catalog.format('This user has %s %s accounts.', pg_catalog.cardinality(v_ids), p_provider),
      'Say which one to read: set integration_id.'
    );
  end if;
  return v_ids[1];
end
$$;

revoke execute on function patchbay.resolve_integration(uuid, text) from public;

-- Security definer: a client may not read endpoint_types or other users' integrations, but the check must.
create function patchbay.validate_endpoint()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_provider text;
begin
  if tg_op = 'UPDATE' and (new.user_id, new.endpoint_type) is distinct from (old.user_id, old.endpoint_type) then
    perform patchbay.refuse(
      'endpoints_identity_check', 'An endpoint keeps its user_id and endpoint_type.', 'Create another endpoint instead.'
    );
  end if;

  select provider into v_provider from patchbay.endpoint_types where endpoint_type = new.endpoint_type;
  if v_provider is null then
    perform patchbay.refuse(
      'endpoints_endpoint_type_check',
      pg_catalog.format('Unknown endpoint_type %L.', new.endpoint_type),
      (select 'Use one of: ' || pg_catalog.string_agg(endpoint_type, ', ' order by endpoint_type) || '.' from patchbay.endpoint_types)
    );
  end if;

  if new.interval_minutes < 1 or (new.schedule_type = 'interval' and new.interval_minutes is null) then
    perform patchbay.refuse(
      'endpoints_interval_minutes_check', 'interval_minutes must be 1 or more.', 'Use 5 to sync every five minutes.'
    );
  end if;

  if not patchbay.is_cron(new.schedule_cron) then
    perform patchbay.refuse(
      'endpoints_schedule_cron_check',
      pg_catalog.format('schedule_cron %L is not a cron expression.', new.schedule_cron),
      'Use five fields, such as ''0 6 * * 1-5'' for six o''clock on weekdays.'
    );
  end if;

  if (tg_op = 'INSERT' or new.time_zone is distinct from old.time_zone)
    and new.time_zone <> 'UTC' and not patchbay.is_time_zone(new.time_zone) then
    perform patchbay.refuse(
      'endpoints_time_zone_check',
      pg_catalog.format('Unknown time_zone %L.', new.time_zone),
      'Use a name such as Europe/Berlin or UTC.'
    );
  end if;

  if new.file_types is not null and not patchbay.is_file_types(new.file_types) then
    perform patchbay.refuse(
      'endpoints_file_types_check',
      'file_types must be a list of up to 50 texts of up to 100 characters, with two * in each at most, and no brackets or + ! @.',
      'Use ["*"] for all files, or for example ["pdf", "image/*", "plan-*.{dwg,rvt}"].'
    );
  end if;

  if new.integration_id is null then
    -- Only at first: an endpoint whose account is deleted later must not go on with another one.
    if tg_op = 'INSERT' then
      new.integration_id := patchbay.resolve_integration(new.user_id, v_provider);
    end if;
  elsif not exists (
    select from public.integrations
    where id = new.integration_id and user_id = new.user_id and provider = v_provider
  ) then
    perform patchbay.refuse(
      'endpoints_integration_id_check',
      pg_catalog.format('integration_id is not one of this user''s %s accounts.', v_provider),
      'Leave it empty to use the only account, or connect that account first.'
    );
  end if;

  if new.integration_id is null then
    new.next_sync_at := 'infinity';
  elsif new.next_sync_at = 'infinity' and old.integration_id is null then
    new.next_sync_at := now();
  end if;
  return new;
end
$$;

revoke execute on function patchbay.validate_endpoint() from public;

create trigger endpoints_validate
before insert or update of
  endpoint_type, user_id, schedule_type, schedule_cron, interval_minutes, time_zone, file_types, integration_id
on public.endpoints
for each row execute function patchbay.validate_endpoint();

-- What the owner changes; the scheduler's own columns are not a change.
create trigger endpoints_set_updated_at
before update of
  name, project_id, description, enabled, schedule_type, schedule_cron, interval_minutes, file_types, max_files_per_sync,
  endpoint_config, tags, integration_id, time_zone, delete_guard_percent
on public.endpoints
for each row execute function patchbay.set_updated_at();

alter table public.endpoints enable row level security;

revoke all on table public.endpoints from anon, authenticated, service_role;
grant select, delete on table public.endpoints to authenticated;
grant insert (
  id, name, endpoint_type, project_id, user_id, description, enabled, schedule_type, schedule_cron, interval_minutes, file_types,
  max_files_per_sync, endpoint_config, tags, integration_id, time_zone, delete_guard_percent
) on table public.endpoints to authenticated;
grant update (
  name, project_id, description, enabled, schedule_type, schedule_cron, interval_minutes, file_types, max_files_per_sync,
  endpoint_config, tags, integration_id, time_zone, next_sync_at, delete_guard_percent, deletions_confirmed_at
) on table public.endpoints to authenticated;
grant select, insert, update, delete on table public.endpoints to service_role;

create policy endpoints_select_own on public.endpoints
for select to authenticated using ((select auth.uid()) = user_id);

create policy endpoints_insert_own on public.endpoints
for insert to authenticated with check ((select auth.uid()) = user_id);

create policy endpoints_update_own on public.endpoints
for update to authenticated using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);

create policy endpoints_delete_own on public.endpoints
for delete to authenticated using ((select auth.uid()) = user_id);
