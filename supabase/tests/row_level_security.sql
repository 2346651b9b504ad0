-- A user sees their rows, and no one else's; what only Patchbay writes, no client writes.
begin;
create extension if not exists pgtap with schema extensions;
select no_plan();

create temporary table person (name text primary key, id uuid not null default gen_random_uuid()) on commit drop;
insert into person (name) values ('anna'), ('bert');
insert into auth.users (id, email) select id, name || '@example.com' from person;
insert into public.integrations (user_id, provider, account_id) select id, 'google-drive', name from person;
insert into public.endpoints (name, endpoint_type, project_id, user_id) select name, 'google_drive', 'p', id from person;
insert into public.files (endpoint_id, user_id, external_file_id, file_name, file_link)
select id, user_id, name, name || '.pdf', 'https://example.com' from public.endpoints where user_id in (select id from person);
insert into public.sync_logs (endpoint_id, user_id, pass) select id, user_id, 'full' from public.endpoints where user_id in (select id from person);
insert into public.oauth_tokens (endpoint_id, integration_id, user_id, refreshable, expires_at)
select id, integration_id, user_id, true, now() from public.endpoints where user_id in (select id from person);
grant select on person to anon, authenticated;

select set_config('request.jwt.claims', json_build_object('sub', id, 'role', 'authenticated')::text, true) from person where name = 'bert';
set local role authenticated;

select results_eq(
  format('select count(*) from public.%I', t),
  'select 1::bigint',
  format('a user sees their own row of %s, and only that', t)
)
from unnest(array['integrations', 'endpoints', 'oauth_tokens', 'files', 'sync_logs']) as t;

select is_empty(
  format('select from public.%I where user_id <> auth.uid()', t),
  format('a user sees no row of another one in %s', t)
)
from unnest(array['integrations', 'endpoints', 'oauth_tokens', 'files', 'sync_logs']) as t;

select throws_ok(
  format('%s public.%I %s', verb, t, rest), '42501', null, format('a user may not %s %s', verb, t)
)
from unnest(array['integrations', 'oauth_tokens', 'files', 'sync_logs']) as t,
  (values ('insert into', 'default values'), ('update', 'set user_id = user_id'), ('delete from', '')) as attempt (verb, rest);

select throws_ok(
  $$update public.endpoints set last_sync_status = 'completed'$$, '42501', null, 'a user may not say how a run ended'
);
select throws_ok(
  $$insert into public.endpoints (name, endpoint_type, project_id, user_id)
    select 'x', 'google_drive', 'p', id from person where name = 'anna'$$,
  '42501', null, 'a user may not add an endpoint in the name of another'
);
select is_empty(
  $$delete from public.endpoints where user_id <> auth.uid() returning id$$, 'a user may not delete an endpoint of another'
);
select throws_ok('select patchbay.dispatch()', '42501', null, 'a user may not call the functions of patchbay');
select throws_ok('select * from patchbay.secrets', '42501', null, 'a user may not read the secrets');
select throws_ok('select * from pgboss.job', '42501', null, 'a user may not read the queue');

set local role anon;
select throws_ok(format('select * from public.%I', t), '42501', null, format('a visitor may not read %s', t))
from unnest(array['integrations', 'endpoints', 'oauth_tokens', 'files', 'sync_logs']) as t;

reset role;
select * from finish();
rollback;
