-- A file at a provider, as seen by one endpoint. Clients read; only the sync engine writes. A file that is gone is deleted here.
create table public.files (
  id uuid primary key default gen_random_uuid(),
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  user_id uuid not null,
  external_file_id text not null,
  external_parent_id text,
  file_name text not null,
  file_path text,
  file_link text not null,
  file_size bigint,
  file_type text,
  mime_type text,
  external_created_at timestamptz,
  external_updated_at timestamptz,
  sync_status text default 'completed',
  file_metadata jsonb default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint files_external_file_id_key unique (endpoint_id, external_file_id)
);

comment on table public.files is 'Files at the providers, one row a file and endpoint, under row level security.';
comment on column public.files.user_id is 'The endpoint''s owner, repeated here so that a policy needs no join.';
comment on column public.files.file_path is 'Names from the endpoint''s root down, such as /plans/a.pdf. Not unique: providers allow equal names.';
comment on column public.files.file_size is 'Bytes; null where the provider has no size for it.';
comment on column public.files.file_type is 'The extension in lower case, without the dot.';

-- A user's newest files, page by page; also what the policy filters on.
create index files_user_id_idx on public.files (user_id, external_updated_at desc);
-- The files of a folder, when it is renamed, moved or deleted.
create index files_external_parent_id_idx on public.files (endpoint_id, external_parent_id);

alter table public.files enable row level security;

revoke all on table public.files from anon, authenticated, service_role;
grant select on table public.files to authenticated;
grant select, insert, update, delete on table public.files to service_role;

create policy files_select_own on public.files
for select to authenticated using ((select auth.uid()) = user_id);
