-- A connection being made, from the request to the callback: ten minutes at most, used up by delete … returning.
create table patchbay.oauth_states (
  state_hash bytea primary key,
  stage text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  provider text not null,
  browser_hash bytea,
  code_verifier_jwe text,
  redirect_uri text not null,
  redirect_to text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint oauth_states_stage_check check (stage in ('ticket', 'server', 'client')),
  -- A server-driven connection is bound to the browser that began it; a client-driven one to the user's JWT.
  constraint oauth_states_browser_hash_check check ((stage = 'server') = (browser_hash is not null))
);

comment on table patchbay.oauth_states is 'OAuth transactions. Only hashes of state, ticket and cookie are kept.';
comment on column patchbay.oauth_states.stage is 'ticket: a start URL not opened yet. server, client: waiting for the callback of that form.';

create index oauth_states_user_id_idx on patchbay.oauth_states (user_id);
create index oauth_states_expires_at_idx on patchbay.oauth_states (expires_at);

alter table patchbay.oauth_states enable row level security;
