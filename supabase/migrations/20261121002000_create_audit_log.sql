-- What happened to a user's connections: who, when, what, from where. Written by the functions and triggers of the schema patchbay;
-- never a code, a state or a token.
create table public.audit_log (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  integration_id uuid references public.integrations (id) on delete set null,
  provider text not null,
  event text not null,
  from_status text,
  to_status text,
  reason text,
  actor text not null,
  source text,
  ip inet,
  user_agent text,
  created_at timestamptz not null default clock_timestamp(),
  constraint audit_log_actor_check check (actor in ('user', 'operator', 'system')),
  constraint audit_log_event_check check (event in (
    'connect_failed', 'connected', 'reconnected', 'recovered', 'needs_reauth', 'error', 'disconnected', 'revoked',
    'revocation_skipped', 'revocation_failed', 'tenant_chosen'
  ))
);

comment on table public.audit_log is 'Each change of an integration''s state and each attempt to connect, readable by its owner.';
comment on column public.audit_log.actor is 'user: the owner, signed in or in the browser that began. operator: SQL or a command. system: a job or a sync.';
comment on column public.audit_log.source is 'Which function, job or command it came through.';
comment on column public.audit_log.ip is 'Of the caller, as the platform reports it; null for jobs.';

create index audit_log_user_id_idx on public.audit_log (user_id, created_at desc);
create index audit_log_integration_id_idx on public.audit_log (integration_id);

alter table public.audit_log enable row level security;

revoke all on table public.audit_log from anon, authenticated, service_role;
grant select on table public.audit_log to authenticated;
grant select on table public.audit_log to service_role;

create policy audit_log_select_own on public.audit_log
for select to authenticated using ((select auth.uid()) = user_id);

-- Adds one line. p_origin: actor, source, ip, user_agent; null: whoever runs this SQL, which is the operator.
create function patchbay.record_event(
  p_user_id uuid, p_integration_id uuid, p_provider text, p_event text, p_from text, p_to text, p_reason text, p_origin jsonb
)
returns void
language sql
set search_path = ''
as $$
  insert into public.audit_log (
    user_id, integration_id, provider, event, from_status, to_status, reason, actor, source, ip, user_agent
  )
  values (
    p_user_id, p_integration_id, p_provider, p_event, p_from, p_to, p_reason,
    coalesce(p_origin ->> 'actor', 'operator'), coalesce(p_origin ->> 'source', 'sql'), (p_origin ->> 'ip')::inet,
    pg_catalog.left(p_origin ->> 'user_agent', 300)
  )
$$;

revoke execute on function patchbay.record_event(uuid, uuid, text, text, text, text, text, jsonb) from public;

-- Tells the rest of the transaction who is behind it, for the lines that triggers write.
create function patchbay.act_as(p_origin jsonb)
returns void
language sql
set search_path = ''
as $$
  select pg_catalog.set_config('patchbay.origin', coalesce(p_origin::text, ''), true)
$$;

revoke execute on function patchbay.act_as(jsonb) from public;

-- Queues one job in each queue that subscribes to the event. A queue subscribes with boss.subscribe(event, queue) of pg-boss, or with
-- insert into pgboss.subscription (event, name).
create function patchbay.publish(p_event text, p_data jsonb)
returns void
language sql
set search_path = ''
as $$
  insert into pgboss.job (
    name, data, policy, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds, deletion_seconds, keep_until,
    dead_letter, heartbeat_seconds
  )
  select
    q.name, p_data, q.policy, q.retry_limit, q.retry_delay, q.retry_backoff, q.retry_delay_max, q.expire_seconds,
    q.deletion_seconds, pg_catalog.now() + q.retention_seconds * interval '1 second', q.dead_letter, q.heartbeat_seconds
  from pgboss.subscription s
  join pgboss.queue q on q.name = s.name
  where s.event = p_event
  on conflict do nothing
$$;

revoke execute on function patchbay.publish(text, jsonb) from public;

-- Each change of status is one line and one event, whoever makes it: a function, the service role, an operator in the dashboard.
-- Security definer: none of them may write the audit log.
create function patchbay.record_transition()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_origin jsonb := nullif(pg_catalog.current_setting('patchbay.origin', true), '')::jsonb;
  v_event text := case
    when new.status <> 'connected' then new.status
    when old.status = 'disconnected' then 'connected'
    else 'recovered'
  end;
begin
  perform patchbay.record_event(
    new.user_id, new.id, new.provider, v_event, old.status, new.status, new.status_reason, v_origin
  );
  perform patchbay.publish('integration.' || v_event, pg_catalog.jsonb_build_object(
    'integration_id', new.id, 'user_id', new.user_id, 'provider', new.provider, 'from', old.status, 'to', new.status,
    'reason', new.status_reason
  ));
  return null;
end
$$;

revoke execute on function patchbay.record_transition() from public;

create trigger integrations_record_transition
after update of status on public.integrations
for each row when (old.status is distinct from new.status)
execute function patchbay.record_transition();
