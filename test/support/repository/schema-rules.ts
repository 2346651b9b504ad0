/** A rule of the database's schema, held by the catalog of a migrated database. */
interface SchemaRule {
  rule: string
  /** Finds what breaks the rule: one column, the name of the offender. */
  offenders: string
  /** SQL that breaks the rule, to show that it can fail. Rolled back. */
  broken: string
}

const inPublic = `from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`
const inPatchbay = `from pg_class c where c.relnamespace = 'patchbay'::regnamespace and c.relkind in ('r', 'p')`
const ourTables = `from pg_class c
  where c.relnamespace in ('public'::regnamespace, 'patchbay'::regnamespace) and c.relkind in ('r', 'p')`
const ourFunctions = `from pg_proc p where p.pronamespace in ('public'::regnamespace, 'patchbay'::regnamespace)`
const policies = `from pg_policies where schemaname = 'public'`
const clients = `unnest(array['anon', 'authenticated']) as client`
/** Reads of the caller's identity, other than as a subquery that runs once a statement instead of once a row. */
const policyText = `replace(coalesce(qual, '') || coalesce(with_check, ''), '( SELECT auth.uid() AS uid)', '')`

export const schemaRules: SchemaRule[] = [
  {
    rule: 'every table in public has row level security',
    offenders: `select c.oid::regclass ${inPublic} and not c.relrowsecurity`,
    broken: 'alter table public.files disable row level security',
  },
  {
    rule: 'every table in public has a policy',
    offenders: `select c.oid::regclass ${inPublic} and not exists (select from pg_policy where polrelid = c.oid)`,
    broken: 'drop policy files_select_own on public.files',
  },
  {
    rule: 'every table in public has a user_id that is never empty, the column that policies compare',
    offenders: `select c.oid::regclass ${inPublic} and not exists (
      select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and a.attnotnull and a.atttypid = 'uuid'::regtype)`,
    broken: 'alter table public.files alter user_id drop not null',
  },
  {
    rule: 'every policy is for authenticated only',
    offenders: `select policyname ${policies} and roles <> '{authenticated}'`,
    broken: `create policy broken on public.files for select to public using ((select auth.uid()) = user_id)`,
  },
  {
    rule: 'every policy compares user_id with (select auth.uid()) and asks for nothing else',
    offenders: `select policyname ${policies} and ${policyText} !~ '^(\\(= user_id\\)|\\( = user_id\\))+$'`,
    broken: `create policy broken on public.files for select to authenticated using (auth.uid() = user_id)`,
  },
  {
    rule: 'a policy that lets rows be written checks the rows as they will be',
    offenders: `select policyname ${policies} and cmd not in ('SELECT', 'DELETE') and with_check is null`,
    broken: `create policy broken on public.files for update to authenticated using ((select auth.uid()) = user_id)`,
  },
  {
    rule: 'every policy is named <table>_<command>_<who>',
    offenders: `select policyname ${policies} and policyname !~ ('^' || tablename || '_(select|insert|update|delete)_[a-z_]+$')`,
    broken: `create policy mine on public.files for select to authenticated using ((select auth.uid()) = user_id)`,
  },
  {
    rule: 'anon has no grant on any table or column in public',
    offenders: `select c.oid::regclass ${inPublic} and (
      has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
      or has_any_column_privilege('anon', c.oid, 'select, insert, update, references'))`,
    broken: 'grant select (id) on public.files to public',
  },
  {
    rule: 'authenticated writes endpoints, and no other table',
    offenders: `select c.oid::regclass ${inPublic} and c.relname <> 'endpoints' and (
      has_table_privilege('authenticated', c.oid, 'insert, update, delete')
      or has_any_column_privilege('authenticated', c.oid, 'insert, update'))`,
    broken: 'grant update (sync_status) on public.files to authenticated',
  },
  {
    rule: 'authenticated may not truncate, refer to or put triggers on any table in public',
    offenders: `select c.oid::regclass ${inPublic} and has_table_privilege('authenticated', c.oid, 'truncate, references, trigger')`,
    broken: 'grant truncate on public.endpoints to authenticated',
  },
  {
    rule: 'no client role may use a sequence in public',
    offenders: `select c.oid::regclass from pg_class c, ${clients}
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' and has_sequence_privilege(client, c.oid, 'usage, select, update')`,
    broken: 'create sequence public.broken; grant usage on sequence public.broken to authenticated',
  },
  {
    rule: 'every view in public reads with the rights of the caller',
    offenders: `select c.oid::regclass from pg_class c where c.relnamespace = 'public'::regnamespace and (
      c.relkind = 'm' or (c.relkind = 'v' and not coalesce(c.reloptions @> '{security_invoker=true}', false)))`,
    broken: 'create view public.broken as select id from public.files',
  },
  {
    rule: 'every table in patchbay has row level security, and no policy',
    offenders: `select c.oid::regclass ${inPatchbay}
      and (not c.relrowsecurity or exists (select from pg_policy where polrelid = c.oid))`,
    broken: 'create table patchbay.broken (id bigint primary key)',
  },
  {
    rule: 'no client role may use the schemas patchbay and pgboss',
    offenders: `select client || ' uses ' || n.nspname from pg_namespace n, ${clients}
      where n.nspname in ('patchbay', 'pgboss') and has_schema_privilege(client, n.oid, 'usage, create')`,
    broken: 'grant usage on schema pgboss to public',
  },
  {
    rule: 'no client role has a grant on any table in patchbay or pgboss',
    offenders: `select client || ' on ' || c.oid::regclass from pg_class c, ${clients}
      where c.relnamespace in ('patchbay'::regnamespace, 'pgboss'::regnamespace) and c.relkind in ('r', 'p', 'v', 'm') and (
        has_table_privilege(client, c.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(client, c.oid, 'select, insert, update, references'))`,
    broken: 'grant select (integration_id) on patchbay.secrets to authenticated',
  },
  {
    rule: 'no client role may create objects in public',
    offenders: `select client from ${clients} where has_schema_privilege(client, 'public', 'create')`,
    broken: 'grant create on schema public to authenticated',
  },
  {
    rule: 'no client role may execute a function in patchbay, and no visitor one in public',
    offenders: `select distinct p.oid::regprocedure ${ourFunctions} and (
      has_function_privilege('anon', p.oid, 'execute')
      or (p.pronamespace = 'patchbay'::regnamespace and has_function_privilege('authenticated', p.oid, 'execute')))`,
    broken: `create function patchbay.broken() returns int language sql set search_path = '' as 'select 1'`,
  },
  {
    rule: "a function in public is the client's API: for authenticated and the service role",
    offenders: `select p.oid::regprocedure from pg_proc p where p.pronamespace = 'public'::regnamespace and not (
      has_function_privilege('authenticated', p.oid, 'execute') and has_function_privilege('service_role', p.oid, 'execute'))`,
    broken: `revoke execute on function public.sync_endpoint(uuid) from service_role`,
  },
  {
    rule: 'every function in public, patchbay and pgboss sets an empty search_path',
    offenders: `select p.oid::regprocedure from pg_proc p
      where p.pronamespace in ('public'::regnamespace, 'patchbay'::regnamespace, 'pgboss'::regnamespace)
        and not coalesce(p.proconfig @> array['search_path=""'], false)`,
    broken: `create function patchbay.broken() returns int language sql as 'select 1'`,
  },
  {
    // More than splinter's 0028 and 0029 can tell: https://github.com/supabase/splinter
    rule: 'every security definer function that a client may execute asks who calls',
    offenders: `select p.oid::regprocedure from pg_proc p
      where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'pgboss'::regnamespace)
        and p.prosrc !~ '\\(select auth\\.uid\\(\\)\\)'`,
    broken: `create function public.broken() returns int language sql security definer set search_path = '' as 'select 1'`,
  },
  {
    rule: 'every table in public and patchbay has a primary key',
    offenders: `select c.oid::regclass ${ourTables} and not exists (select from pg_index where indrelid = c.oid and indisprimary)`,
    broken: 'create table patchbay.broken (id bigint)',
  },
  {
    rule: 'every foreign key in public and patchbay has an index that begins with its columns',
    offenders: `select f.conname from pg_constraint f
      where f.contype = 'f' and f.connamespace in ('public'::regnamespace, 'patchbay'::regnamespace)
        and not exists (
          select from pg_index i
          where i.indrelid = f.conrelid and i.indisvalid and i.indpred is null
            and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey)`,
    broken: 'drop index public.endpoints_integration_id_idx',
  },
  {
    rule: 'every column that a policy compares has an index that begins with it',
    offenders: `select c.oid::regclass ${inPublic} and not exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = c.oid and i.indisvalid and i.indpred is null and a.attname = 'user_id')`,
    broken: 'drop index public.files_user_id_idx',
  },
  {
    rule: 'every time in public and patchbay is a timestamptz',
    offenders: `select c.oid::regclass || '.' || a.attname
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace in ('public'::regnamespace, 'patchbay'::regnamespace) and c.relkind in ('r', 'p')
        and a.atttypid in ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)`,
    broken: 'alter table public.files add broken timestamp',
  },
  {
    rule: 'every check constraint is named <table>_<column>_check',
    offenders: `select f.conname from pg_constraint f join pg_class c on c.oid = f.conrelid
      where f.contype = 'c' and f.connamespace in ('public'::regnamespace, 'patchbay'::regnamespace)
        and not exists (
          select from pg_attribute a where a.attrelid = c.oid and f.conname = c.relname || '_' || a.attname || '_check')`,
    broken: 'alter table public.files add constraint broken check (file_size >= 0)',
  },
]
