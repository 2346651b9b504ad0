-- A sync run: one execution for one endpoint, with what it cost and what it changed.
create table public.sync_logs (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  user_id uuid not null,
  pass text not null,
  status text not null default 'running',
  fetched bigint not null default 0,
  inserted bigint not null default 0,
  updated bigint not null default 0,
  unchanged bigint not null default 0,
  deleted bigint not null default 0,
  requests bigint not null default 0,
  bytes bigint not null default 0,
  cursor_before jsonb,
  cursor_after jsonb,
  error_code text,
  error_message text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint sync_logs_pass_check check (pass in ('full', 'changes')),
  constraint sync_logs_status_check check (status in ('running', 'completed', 'partial', 'failed', 'stopped'))
);

comment on table public.sync_logs is 'Sync runs: counters, duration and the reason of a failure.';
comment on column public.sync_logs.pass is 'full: reads everything the endpoint covers. changes: reads the change feed.';
comment on column public.sync_logs.status is 'partial: max_files_per_sync was reached, the next run goes on. stopped: the delete guard asks.';
comment on column public.sync_logs.requests is 'HTTP requests sent to the provider, retries included.';
comment on column public.sync_logs.bytes is 'Bytes of the provider''s answers.';

create index sync_logs_endpoint_id_idx on public.sync_logs (endpoint_id, started_at desc);
create index sync_logs_user_id_idx on public.sync_logs (user_id, started_at desc);

alter table public.sync_logs enable row level security;

revoke all on table public.sync_logs from anon, authenticated, service_role;
grant select on table public.sync_logs to authenticated;
grant select, delete on table public.sync_logs to service_role;

create policy sync_logs_select_own on public.sync_logs
for select to authenticated using ((select auth.uid()) = user_id);
