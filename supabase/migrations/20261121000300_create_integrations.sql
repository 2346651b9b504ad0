-- An integration is one user's connection to one account at one provider. Clients read it; only Patchbay writes it.
create table public.integrations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  provider text not null,
  grant_type text not null default 'authorization_code',
  account_id text not null,
  account_label text,
  scopes text[] not null default '{}',
  status text not null default 'connected',
  status_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint integrations_provider_check check (provider ~ '^[a-z][a-z0-9-]{0,62}$'),
  constraint integrations_grant_type_check check (grant_type in ('authorization_code', 'service_account')),
  constraint integrations_status_check check (status in ('connected', 'needs_reauth', 'disconnected', 'error')),
  constraint integrations_account_key unique (user_id, provider, account_id)
);

comment on table public.integrations is 'One user''s connection to one account at one provider.';
comment on column public.integrations.grant_type is 'authorization_code: the user consented. service_account: the operator''s key, given to this user by the operator.';
comment on column public.integrations.account_id is 'The account''s stable id at the provider.';
comment on column public.integrations.status_reason is 'Why the status is not connected, in words that a person can act on.';

create trigger integrations_set_updated_at
before update on public.integrations
for each row execute function patchbay.set_updated_at();

alter table public.integrations enable row level security;

revoke all on table public.integrations from anon, authenticated, service_role;
grant select on table public.integrations to authenticated;
grant select, insert, update, delete on table public.integrations to service_role;

create policy integrations_select_own on public.integrations
for select to authenticated using ((select auth.uid()) = user_id);
