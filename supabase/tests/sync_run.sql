-- One run on this version of Postgres: claimed, two pages merged, finished.
begin;
create extension if not exists pgtap with schema extensions;
select no_plan();

create temporary table person on commit drop as
with person as (
  insert into auth.users (id, email) values (gen_random_uuid(), 'anna@example.com') returning id
)
select id from person;

insert into public.integrations (user_id, provider, account_id) select id, 'google-drive', 'account' from person;

create temporary table run on commit drop as
with endpoint as (
  insert into public.endpoints (name, endpoint_type, project_id, user_id) select 'Plans', 'google_drive', 'p', id from person returning id
)
select id from endpoint;

create function pg_temp.page(p_files jsonb, p_more boolean, p_first boolean) returns jsonb language sql as $$
  select jsonb_build_object(
    'pass', 'full', 'first', p_first, 'more', p_more, 'files', p_files, 'removed', '[]'::jsonb,
    'listed', '[]'::jsonb, 'rebuild_paths', false, 'orphan_path', null, 'next', '{"token": "t"}'::jsonb, 'fetched', 1, 'requests', 1,
    'bytes', 10, 'receipt', 'r',
    'folders', case when p_first then '[{"id": "root", "parent": null, "name": "root", "root": true, "listed": true}]'::jsonb else '[]' end
  )
$$;
create function pg_temp.file(p_id text) returns jsonb language sql as $$
  select jsonb_build_array(jsonb_build_object('id', p_id, 'parent', 'root', 'name', p_id, 'link', 'https://example.com', 'metadata', '{}'::jsonb))
$$;

select is(c.fence, 1::bigint, 'the first claim has fence 1') from run, patchbay.claim_run(run.id) c;
select is((m.inserted, m.updated, m.unchanged, m.deleted, m.proceed)::text, '(1,0,0,0,t)', 'the first page inserts')
from run, patchbay.merge_page(run.id, 1, pg_temp.page(pg_temp.file('a'), true, true)) m;
select is(c.fence, 2::bigint, 'a second claim raises the fence') from run, patchbay.claim_run(run.id) c;
select throws_ok(
  format('select patchbay.merge_page(%L, 1, %L)', id, pg_temp.page(pg_temp.file('b'), false, false)), 'PB001', null,
  'a worker that was taken for dead merges nothing'
)
from run;
select is((m.inserted, m.updated, m.unchanged, m.deleted, m.proceed)::text, '(1,0,0,0,t)', 'the last page inserts, and deletes nothing')
from run, patchbay.merge_page(run.id, 2, pg_temp.page(pg_temp.file('b'), false, false)) m;
select lives_ok(
  format('select patchbay.finish_run(%L, 2, %L, null, null, 0, 0, now())', id, 'completed'), 'the run is finished'
)
from run;
select results_eq(
  $$select f.file_path from public.files f join run on run.id = f.endpoint_id order by 1$$, $$values ('/a'), ('/b')$$, 'both files are there, by their paths'
);
select results_eq(
  $$select l.status, l.inserted, l.requests from public.sync_logs l join run on run.id = l.endpoint_id$$, $$values ('completed', 2::bigint, 2::bigint)$$, 'the run counted them'
);

select * from finish();
rollback;
