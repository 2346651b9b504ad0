-- The tick. Where pg_cron is not installed, something else has to call patchbay.dispatch().
do $$
begin
  if to_regnamespace('cron') is null and exists (select from pg_available_extensions where name = 'pg_cron') then
    begin
      create extension if not exists pg_cron with schema pg_catalog;
    exception when others then
      raise warning 'pg_cron could not be installed (%): nothing will call patchbay.dispatch() until it is.', sqlerrm;
    end;
  end if;
  if to_regnamespace('net') is null and exists (select from pg_available_extensions where name = 'pg_net') then
    begin
      create extension if not exists pg_net with schema extensions;
    exception when others then
      raise warning 'pg_net could not be installed (%): the worker function is not woken until it is.', sqlerrm;
    end;
  end if;

  if to_regnamespace('cron') is not null then
    begin
      perform cron.schedule('patchbay-dispatch', '10 seconds', 'select patchbay.dispatch()');
    exception when others then
      -- pg_cron before 1.5 knows minutes only.
      perform cron.schedule('patchbay-dispatch', '* * * * *', 'select patchbay.dispatch()');
    end;
    -- pg_cron keeps its history for ever.
    perform cron.schedule(
      'patchbay-forget-ticks', '17 3 * * *',
      $job$delete from cron.job_run_details where command = 'select patchbay.dispatch()' and end_time < now() - interval '1 day'$job$
    );
  end if;
end
$$;
