-- What "supabase db lint" leaves out: trigger functions. plpgsql_check needs to know the table that each one serves.
begin;
create extension if not exists pgtap with schema extensions;
create extension if not exists plpgsql_check with schema extensions;
select no_plan();

select is_empty(
  format(
    $$select lineno, level, message from plpgsql_check_function_tb(%L::regprocedure, %s, security_warnings := true)$$,
    p.oid::regprocedure, coalesce(t.tgrelid, 0)
  ),
  format('%s has nothing that plpgsql_check warns of', p.oid::regprocedure)
)
from pg_proc p
join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
where p.pronamespace = 'patchbay'::regnamespace
order by p.oid;

select * from finish();
rollback;
