-- How providers tell of changes. Each endpoint has the hooks that its stream plans, each with an address and a secret of its own. A delivery
-- that proves itself goes into an inbox, once; jobs work that off, and keep the hooks in line with the plan. The schedule stays as it is:
-- a notice that is lost costs time, no rows.

set lock_timeout = '5s';

alter table patchbay.endpoint_types add column has_webhooks boolean not null default false;

comment on column patchbay.endpoint_types.has_webhooks is 'Whether its stream has webhooks: its endpoints are then watched.';

-- All that there are by now.
update patchbay.endpoint_types set has_webhooks = true;

-- One row a hook. Made before the provider is asked, as the first delivery may come before its answer.
create table patchbay.webhooks (
  id uuid primary key,
  -- Null: the endpoint is gone, and the hook is to be stopped.
  endpoint_id uuid references public.endpoints (id) on delete set null,
  -- Null: the integration is gone, and the hook is to be stopped too, if the app itself can; else it expires.
  integration_id uuid references public.integrations (id) on delete set null,
  client_id text,
  provider text not null,
  endpoint_type text not null,
  endpoint_config jsonb not null,
  plan_key text not null,
  params jsonb not null,
  functions_url text not null,
  external jsonb,
  secret_jwe text not null,
  state text not null default 'creating',
  expires_at timestamptz,
  renew_due_at timestamptz,
  replaced_at timestamptz,
  stop_due_at timestamptz,
  last_error_code text,
  created_at timestamptz not null default now(),
  constraint webhooks_state_check check (state in ('creating', 'active', 'replaced', 'failed')),
  constraint webhooks_external_check check (state <> 'active' or external is not null),
  constraint webhooks_renew_due_at_check check (state <> 'active' or renew_due_at is not null)
);

comment on table patchbay.webhooks is 'What providers were asked to call, each at an address and with a secret of its own.';
comment on column patchbay.webhooks.client_id is 'Which of the operator''s further apps it belongs to. Null: the one that users connect with.';
comment on column patchbay.webhooks.endpoint_config is 'The endpoint''s, as it was when the hook was made: what its end may need.';
comment on column patchbay.webhooks.plan_key is 'Tells the hooks of one endpoint apart; the stream''s.';
comment on column patchbay.webhooks.functions_url is 'Below which deliveries were asked for. Where that has moved, another hook is made.';
comment on column patchbay.webhooks.external is 'What the provider knows it by. Null: it has not answered.';
comment on column patchbay.webhooks.secret_jwe is 'What a delivery proves itself with, encrypted for this row.';
comment on column patchbay.webhooks.state is 'creating; active; replaced: to be stopped; failed: the provider did not make it.';
comment on column patchbay.webhooks.renew_due_at is 'When a quarter of its life is left: another one is then made, and this one stopped.';
comment on column patchbay.webhooks.stop_due_at is 'When the dispatcher queues its end (again).';

create index webhooks_endpoint_id_idx on patchbay.webhooks (endpoint_id, plan_key);
create index webhooks_integration_id_idx on patchbay.webhooks (integration_id);
create index webhooks_stop_due_at_idx on patchbay.webhooks (stop_due_at) where stop_due_at is not null;

alter table patchbay.webhooks enable row level security;

-- The mark that an endpoint's hooks are to be looked at. The dispatcher reads what is due of it, however many there are.
create table patchbay.watches (
  endpoint_id uuid primary key references public.endpoints (id) on delete cascade,
  due_at timestamptz not null,
  looked_at timestamptz,
  failures integer not null default 0,
  last_error_code text
);

comment on table patchbay.watches is 'When the hooks of each endpoint are looked at next: made, replaced or stopped.';
comment on column patchbay.watches.due_at is 'Set it to now() to look at once; infinity: not until the endpoint or its account changes.';
comment on column patchbay.watches.looked_at is 'When the last look began: an owner''s changes lead to one a minute at most.';

create index watches_due_at_idx on patchbay.watches (due_at);

alter table patchbay.watches enable row level security;

-- The inbox. Of what was delivered, ids alone are kept.
create table patchbay.webhook_events (
  id bigint generated always as identity primary key,
  -- No foreign key: an event outlives its hook, which may be replaced before the event is worked off.
  webhook_id uuid not null,
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  event_key text not null,
  type text not null,
  changes boolean not null,
  targets text[] not null,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  constraint webhook_events_event_key unique (webhook_id, event_key)
);

comment on table patchbay.webhook_events is 'Deliveries that proved themselves, each once.';
comment on column patchbay.webhook_events.changes is 'The change feed has moved.';
comment on column patchbay.webhook_events.targets is 'Items to look at, by the provider''s ids.';

create index webhook_events_endpoint_id_idx on patchbay.webhook_events (endpoint_id);
create index webhook_events_unprocessed_idx on patchbay.webhook_events (endpoint_id, id) where processed_at is null;
create index webhook_events_received_at_idx on patchbay.webhook_events (received_at);

alter table patchbay.webhook_events enable row level security;

-- short: one queued job an endpoint beside the one that runs, so that what arrives meanwhile is worked off too.
select pgboss.create_queue('process-webhooks', '{
  "policy": "short", "retryLimit": 10, "retryDelay": 5, "retryBackoff": true, "retryDelayMax": 600, "expireInSeconds": 60,
  "heartbeatSeconds": 15, "deleteAfterSeconds": 600
}'::jsonb);
-- Its failures are orderly and have a back-off of their own; a job dies with its worker only.
select pgboss.create_queue('watch-endpoint', '{
  "policy": "exclusive", "retryLimit": 5, "retryDelay": 5, "retryBackoff": true, "retryDelayMax": 600, "expireInSeconds": 300,
  "heartbeatSeconds": 15, "deleteAfterSeconds": 3600
}'::jsonb);
select pgboss.create_queue('stop-webhook', '{
  "policy": "exclusive", "retryLimit": 10, "retryDelay": 30, "retryBackoff": true, "retryDelayMax": 7200, "expireInSeconds": 120,
  "heartbeatSeconds": 15, "deleteAfterSeconds": 3600
}'::jsonb);

-- Hooks are made from a quota that all users share: who changes an endpoint again and again has it looked at once a minute.
-- Security definer: the owner who changes an endpoint may not see the watches.
create function patchbay.watch_endpoint()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into patchbay.watches (endpoint_id, due_at)
  select new.id, pg_catalog.now() from patchbay.endpoint_types t where t.endpoint_type = new.endpoint_type and t.has_webhooks
  on conflict (endpoint_id) do update set
    due_at = greatest(excluded.due_at, watches.looked_at + interval '1 minute'),
    failures = 0;
  return null;
end
$$;

create trigger endpoints_watch_inserted
after insert on public.endpoints
for each row when (new.integration_id is not null)
execute function patchbay.watch_endpoint();

-- Not for the scheduler's own columns, which change with each run.
create trigger endpoints_watch_changed
after update of integration_id, endpoint_config, enabled on public.endpoints
for each row when (
  (new.integration_id, new.endpoint_config, new.enabled) is distinct from (old.integration_id, old.endpoint_config, old.enabled)
)
execute function patchbay.watch_endpoint();

-- A hook whose endpoint or integration is deleted is stopped.
create function patchbay.release_webhook()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.state := 'replaced';
  new.replaced_at := coalesce(new.replaced_at, pg_catalog.now());
  new.stop_due_at := pg_catalog.now();
  return new;
end
$$;

create trigger webhooks_release
before update of endpoint_id, integration_id on patchbay.webhooks
for each row when (new.endpoint_id is null or new.integration_id is null)
execute function patchbay.release_webhook();

-- A connection that has ended takes its hooks along; one that works again has them made anew.
create function patchbay.watch_integration()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.status = 'disconnected' then
    update patchbay.webhooks set state = 'replaced', replaced_at = pg_catalog.now(), stop_due_at = pg_catalog.now()
    where integration_id = new.id and replaced_at is null;
  else
    update patchbay.watches w set due_at = pg_catalog.now(), failures = 0
    from public.endpoints e
    where e.integration_id = new.id and w.endpoint_id = e.id;
  end if;
  return null;
end
$$;

create trigger integrations_watch
after update of status on public.integrations
for each row when (new.status is distinct from old.status and new.status in ('connected', 'disconnected'))
execute function patchbay.watch_integration();

-- Takes a delivery that has proved itself into the inbox: 'fresh'; 'replay': it was there already; 'unwatched': its endpoint is gone. p_targets
-- is a list of ids.
create function patchbay.receive_webhook(p_webhook_id uuid, p_key text, p_type text, p_changes boolean, p_targets jsonb)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_endpoint_id uuid;
  v_nothing boolean := not p_changes and p_targets = '[]';
begin
  -- Locked as a foreign key would lock it: its deletion waits until the event is there to be deleted with it.
  select e.id into v_endpoint_id
  from patchbay.webhooks w
  join public.endpoints e on e.id = w.endpoint_id
  where w.id = p_webhook_id
  for key share of e;
  if not found then
    return 'unwatched';
  end if;

  insert into patchbay.webhook_events (webhook_id, endpoint_id, event_key, type, changes, targets, processed_at)
  values (
    p_webhook_id, v_endpoint_id, p_key, p_type, p_changes, array(select pg_catalog.jsonb_array_elements_text(p_targets)),
    -- A greeting leaves nothing to do.
    case when v_nothing then pg_catalog.now() end
  )
  on conflict (webhook_id, event_key) do nothing;
  if not found then
    return 'replay';
  end if;

  -- Not for each of many: one queued job takes them all.
  if not v_nothing and exists (select from patchbay.enqueue('process-webhooks', 'endpoint_id', array[v_endpoint_id])) then
    perform patchbay.wake_worker();
  end if;
  return 'fresh';
end
$$;

-- Works off an endpoint's inbox: what it names is fetched, and what has changed makes the endpoint due. True: something is due now.
create function patchbay.process_webhooks(p_endpoint_id uuid, p_limit integer default 1000)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_endpoint public.endpoints;
  v_changes boolean;
  v_targets text[];
begin
  select * into v_endpoint from public.endpoints where id = p_endpoint_id for no key update;

  with waiting as (
    select e.id from patchbay.webhook_events e
    where e.endpoint_id = p_endpoint_id and e.processed_at is null
    order by e.id
    limit p_limit
    for update skip locked
  ),
  taken as (
    update patchbay.webhook_events e set processed_at = pg_catalog.clock_timestamp()
    from waiting where e.id = waiting.id
    returning e.changes, e.targets
  )
  select
    coalesce(pg_catalog.bool_or(taken.changes), false),
    coalesce(pg_catalog.array_agg(distinct target.id) filter (where target.id is not null), '{}')
  into v_changes, v_targets
  from taken
  left join pg_catalog.unnest(taken.targets) as target (id) on true;

  if exists (
    select from patchbay.webhook_events e where e.endpoint_id = p_endpoint_id and e.processed_at is null
  ) then
    perform patchbay.enqueue('process-webhooks', 'endpoint_id', array[p_endpoint_id]);
  end if;

  -- One that is paused or has no account reads everything once it goes on.
  if v_endpoint.integration_id is null or not v_endpoint.enabled then
    return false;
  end if;

  perform patchbay.add_targets(p_endpoint_id, v_targets);
  if v_endpoint.consecutive_failures > 0 then
    -- It backs off: the run that ends that works off the targets first.
    update patchbay.targets t set due_at = greatest(t.due_at, v_endpoint.next_sync_at)
    where t.endpoint_id = p_endpoint_id and t.external_id = any (v_targets);
    return false;
  end if;

  if v_changes then
    update public.endpoints e set next_sync_at = pg_catalog.now()
    where e.id = p_endpoint_id and e.next_sync_at > pg_catalog.now() and e.next_sync_at < 'infinity';
  end if;
  return v_changes or v_targets <> '{}';
end
$$;

-- Begins to look at an endpoint's hooks, and uses up the wish that led here; what an earlier attempt left half made is forgotten. No row: the
-- endpoint is gone.
create function patchbay.begin_watch(p_endpoint_id uuid)
returns table (
  endpoint_type text,
  endpoint_config jsonb,
  enabled boolean,
  integration_id uuid,
  status text,
  client_id text
)
language plpgsql
set search_path = ''
as $$
begin
  update patchbay.watches w set due_at = pg_catalog.now() + interval '15 minutes', looked_at = pg_catalog.now()
  where w.endpoint_id = p_endpoint_id;
  if not found then
    return;
  end if;
  delete from patchbay.webhooks w where w.endpoint_id = p_endpoint_id and w.state in ('creating', 'failed');

  return query
  select
    e.endpoint_type, e.endpoint_config, e.enabled, i.id, i.status,
    -- One of the operator's further apps has hooks of its own.
    case when i.grant_type = 'client_credentials' then i.account_id end
  from public.endpoints e
  left join public.integrations i on i.id = e.integration_id
  where e.id = p_endpoint_id;
end
$$;

-- Takes hooks out of use, and queues their end.
create function patchbay.retire_webhooks(p_ids uuid[])
returns void
language sql
set search_path = ''
as $$
  with retired as (
    update patchbay.webhooks w set
      state = 'replaced',
      replaced_at = pg_catalog.now(),
      -- If the job is lost, it is queued again.
      stop_due_at = pg_catalog.now() + interval '15 minutes'
    where w.id = any (p_ids) and w.replaced_at is null
    returning w.id
  )
  select patchbay.enqueue('stop-webhook', 'webhook_id', pg_catalog.array_agg(retired.id)) from retired
$$;

-- Compares an endpoint's hooks with its plan, [{key, params}]. Retires what is not planned or there twice; gives the keys of those that are
-- missing, differ, are delivered to another address, or are to be renewed.
create function patchbay.match_webhooks(p_endpoint_id uuid, p_integration_id uuid, p_functions_url text, p_plan jsonb)
returns setof text
language plpgsql
set search_path = ''
as $$
declare
  v_retired uuid[];
begin
  v_retired := array(
    select numbered.id
    from (
      select w.id, w.plan_key, pg_catalog.row_number() over (partition by w.plan_key order by w.created_at desc, w.id) as n
      from patchbay.webhooks w
      where w.endpoint_id = p_endpoint_id and w.state = 'active'
    ) numbered
    where numbered.n > 1
      or numbered.plan_key not in (select p.key from pg_catalog.jsonb_to_recordset(p_plan) as p (key text))
  );
  perform patchbay.retire_webhooks(v_retired);

  return query
  select p.key
  from pg_catalog.jsonb_to_recordset(p_plan) as p (key text, params jsonb)
  where not exists (
    select from patchbay.webhooks w
    where w.endpoint_id = p_endpoint_id and w.plan_key = p.key and w.state = 'active'
      and w.integration_id = p_integration_id and w.params = p.params and w.functions_url = p_functions_url
      and w.renew_due_at > pg_catalog.now()
  );
end
$$;

-- Notes that the provider has made a hook, which thereby takes the place of the one before. False: it is no longer wanted, and its row is
-- gone.
create function patchbay.activate_webhook(p_id uuid, p_external jsonb, p_expires_at timestamptz)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_webhook patchbay.webhooks;
begin
  update patchbay.webhooks w set
    external = p_external,
    expires_at = p_expires_at,
    renew_due_at = pg_catalog.now() + (p_expires_at - pg_catalog.now()) * 0.75,
    -- Retired meanwhile: it stays so, and now it can be stopped.
    state = case when w.replaced_at is null then 'active' else w.state end,
    last_error_code = null
  where w.id = p_id
  returning * into v_webhook;
  if not found then
    return false;
  end if;

  if v_webhook.state = 'active' then
    perform patchbay.retire_webhooks(array(
      select w.id from patchbay.webhooks w
      where w.endpoint_id = v_webhook.endpoint_id and w.plan_key = v_webhook.plan_key and w.state = 'active' and w.id <> p_id
    ));
  end if;
  return true;
end
$$;

-- Ends a look at an endpoint's hooks. They are looked at again when the first of them is to be renewed, and once a day in any case, as what
-- is planned may depend on the provider; after a failure sooner, and then less and less often. p_idle: not before something changes.
create function patchbay.finish_watch(p_endpoint_id uuid, p_idle boolean, p_error_code text, p_retry_after interval)
returns void
language sql
set search_path = ''
as $$
  update patchbay.watches w set
    failures = case when p_error_code is null then 0 else w.failures + 1 end,
    last_error_code = p_error_code,
    due_at = case
      -- Somebody's wish since the look began.
      when w.due_at < w.looked_at + interval '15 minutes' then w.due_at
      when p_idle then 'infinity'
      when p_error_code is not null then pg_catalog.clock_timestamp() + least(
        greatest(interval '1 minute' * pg_catalog.power(2, least(w.failures, 11)), p_retry_after), interval '1 day'
      )
      else least(
        (
          select pg_catalog.min(h.renew_due_at) from patchbay.webhooks h
          where h.endpoint_id = p_endpoint_id and h.state = 'active'
        ),
        pg_catalog.clock_timestamp() + interval '1 day'
      )
    end
  where w.endpoint_id = p_endpoint_id
$$;

-- Queues what is due of all this; part of the scheduler's tick. Returns how many jobs. Reads three partial or narrow indexes, so that it
-- costs what is due, not what exists.
create function patchbay.enqueue_webhooks(p_limit integer default 1000)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_events uuid[];
  v_watches uuid[];
  v_stops uuid[];
begin
  -- Each delivery queues its job; this finds those whose job was lost.
  v_events := array(
    select distinct e.endpoint_id from patchbay.webhook_events e where e.processed_at is null limit p_limit
  );
  v_events := array(select patchbay.enqueue('process-webhooks', 'endpoint_id', v_events));

  v_watches := array(
    select w.endpoint_id from patchbay.watches w
    where w.due_at <= pg_catalog.now()
    order by w.due_at
    limit p_limit
    for update skip locked
  );
  -- One with a live job stays due until that has ended: it may have begun before the wish.
  v_watches := array(select patchbay.enqueue('watch-endpoint', 'endpoint_id', v_watches));
  -- If the job is lost, the endpoint is looked at again.
  update patchbay.watches w set due_at = pg_catalog.now() + interval '15 minutes' where w.endpoint_id = any (v_watches);

  v_stops := array(
    select w.id from patchbay.webhooks w
    where w.stop_due_at <= pg_catalog.now()
    order by w.stop_due_at
    limit p_limit
    for update skip locked
  );
  update patchbay.webhooks w set stop_due_at = pg_catalog.now() + interval '15 minutes' where w.id = any (v_stops);
  v_stops := array(select patchbay.enqueue('stop-webhook', 'webhook_id', v_stops));

  return pg_catalog.cardinality(v_events) + pg_catalog.cardinality(v_watches) + pg_catalog.cardinality(v_stops);
end
$$;

-- Forgets events of more than a week ago. Returns how many.
create function patchbay.prune_webhook_events(p_limit integer default 10000)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_count integer;
begin
  delete from patchbay.webhook_events
  where id in (
    select e.id from patchbay.webhook_events e
    where e.received_at < pg_catalog.now() - interval '7 days'
    order by e.received_at
    limit p_limit
  );
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- As before, and for the jobs of webhooks.
create or replace function patchbay.wake_worker()
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_queues text[] := array['sync', 'refresh-token', 'revoke-token', 'process-webhooks', 'watch-endpoint', 'stop-webhook'];
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

-- The scheduler's tick.
create or replace function patchbay.dispatch()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_jobs integer := patchbay.enqueue_due() + patchbay.enqueue_webhooks();
begin
  perform patchbay.wake_worker();
  return v_jobs;
end
$$;

revoke execute on function patchbay.watch_endpoint() from public;
revoke execute on function patchbay.release_webhook() from public;
revoke execute on function patchbay.watch_integration() from public;
revoke execute on function patchbay.receive_webhook(uuid, text, text, boolean, jsonb) from public;
revoke execute on function patchbay.process_webhooks(uuid, integer) from public;
revoke execute on function patchbay.begin_watch(uuid) from public;
revoke execute on function patchbay.retire_webhooks(uuid[]) from public;
revoke execute on function patchbay.match_webhooks(uuid, uuid, text, jsonb) from public;
revoke execute on function patchbay.activate_webhook(uuid, jsonb, timestamptz) from public;
revoke execute on function patchbay.finish_watch(uuid, boolean, text, interval) from public;
revoke execute on function patchbay.enqueue_webhooks(integer) from public;
revoke execute on function patchbay.prune_webhook_events(integer) from public;

-- Endpoints that were there before.
insert into patchbay.watches (endpoint_id, due_at)
select e.id, pg_catalog.now()
from public.endpoints e
join patchbay.endpoint_types t on t.endpoint_type = e.endpoint_type and t.has_webhooks
where e.integration_id is not null;

reset lock_timeout;
