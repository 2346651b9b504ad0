-- Where each endpoint stands. The fence rises with every claim, and every write shows it: a worker that was taken for dead and
-- comes back can change nothing.
create table patchbay.sync_state (
  endpoint_id uuid primary key references public.endpoints (id) on delete cascade,
  fence bigint not null default 0,
  cursor jsonb,
  pass text not null default 'full',
  run_id uuid,
  constraint sync_state_pass_check check (pass in ('full', 'changes'))
);

comment on table patchbay.sync_state is 'The durable position of each endpoint.';
comment on column patchbay.sync_state.cursor is 'Written by the provider''s stream; null: the next run begins a full pass.';
comment on column patchbay.sync_state.pass is 'What the cursor belongs to.';
comment on column patchbay.sync_state.run_id is 'The run in progress (public.sync_logs), also when its worker has died.';

alter table patchbay.sync_state enable row level security;

-- The folder tree of an endpoint: it gives files their paths and says which files belong to a folder endpoint.
create table patchbay.folders (
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  external_folder_id text not null,
  external_parent_id text,
  name text not null,
  is_root boolean not null default false,
  listed boolean not null,
  path text,
  primary key (endpoint_id, external_folder_id)
);

comment on column patchbay.folders.listed is 'False: its contents are still to be read.';
comment on column patchbay.folders.path is 'Null: not below the endpoint''s root, or not worked out yet.';

create index folders_external_parent_id_idx on patchbay.folders (endpoint_id, external_parent_id);
create index folders_unlisted_idx on patchbay.folders (endpoint_id, external_folder_id) where not listed;

alter table patchbay.folders enable row level security;

-- What a full pass has seen so far: one row a page, so that an unchanged file costs no row. Its end deletes the rest.
create table patchbay.seen_pages (
  id bigint generated always as identity primary key,
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  file_ids text[] not null,
  folder_ids text[] not null
);

create index seen_pages_endpoint_id_idx on patchbay.seen_pages (endpoint_id);

-- Ids do not compress: spare the attempt.
alter table patchbay.seen_pages alter column file_ids set storage external;

alter table patchbay.seen_pages enable row level security;

-- Files that the change feed reported gone. They are deleted with the feed's last page, when their number is known.
create table patchbay.pending_deletes (
  endpoint_id uuid not null references public.endpoints (id) on delete cascade,
  external_file_id text not null,
  primary key (endpoint_id, external_file_id)
);

alter table patchbay.pending_deletes enable row level security;
