-- Forgets what nobody asks for any more, and queues what the proactive refresh did not reach.
create function patchbay.sweep()
returns void
language sql
set search_path = ''
as $$
  select patchbay.sweep_tokens();
  select patchbay.finish_revocation(id, 'revocation_failed', 'The provider did not answer for a day.')
  from patchbay.revocations where created_at < pg_catalog.now() - interval '1 day';
  delete from patchbay.rate_limits where expire < extract(epoch from pg_catalog.now()) * 1000;
$$;

revoke execute on function patchbay.sweep() from public;

do $$
begin
  if to_regnamespace('cron') is not null then
    perform cron.schedule('patchbay-sweep', '7 */12 * * *', 'select patchbay.sweep()');
  end if;
end
$$;
