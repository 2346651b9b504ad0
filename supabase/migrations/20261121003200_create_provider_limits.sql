-- All workers stay below a provider's limits together: each request reserves its turn here before it is sent.

-- Figures that differ from the definition's: an operator's quota may be another than the published one.
create table patchbay.provider_limits (
  provider text not null,
  name text not null,
  amount integer not null,
  period_ms integer not null,
  primary key (provider, name),
  constraint provider_limits_amount_check check (amount > 0),
  constraint provider_limits_period_ms_check check (period_ms > 0)
);

comment on table patchbay.provider_limits is 'Limits of providers, where they are not those that docs/providers names: amount per period_ms, in the provider''s own unit.';

alter table patchbay.provider_limits enable row level security;

-- Where each limit stands: one time, whatever the number of requests (GCRA). Unlogged: a crash forgets at most what one period allows, and
-- the provider's own answer then slows everybody down; a log record for every request would cost more than the request.
create unlogged table patchbay.permit_clocks (
  provider text not null,
  name text not null,
  counted text not null,
  arrival timestamptz not null,
  paused_until timestamptz,
  primary key (provider, name, counted)
)
-- Every take rewrites a row: within its page, and without touching the index.
with (fillfactor = 50);

comment on column patchbay.permit_clocks.counted is 'Whom the provider counts: the app, by its client id, or the account, by its id there.';
comment on column patchbay.permit_clocks.arrival is 'The theoretical arrival time: what is reserved is used up by then.';

alter table patchbay.permit_clocks enable row level security;

-- The limits of a request, with the figures that hold: an operator's, else those of p_limits, [{name, per: 'app' | 'account', cost, amount,
-- period_ms}]; a limit without figures is none. An account that is not connected yet has none of its own.
-- step: how far a request moves the clock. Of an amount, 95 % are given away evenly and 2.5 % at once (tolerance). Permits may be kept for a
-- sixtieth of the period, so no period ever holds more than 0.95 * 61/60 + 0.025 = 99.1 % of the amount, as we send it. The rest is for
-- what the provider sees otherwise: a request may be longer on its way than the one after it.
create function patchbay.limits_of(p_provider text, p_integration_id uuid, p_client_id text, p_limits jsonb)
returns table (name text, counted text, step interval, tolerance interval, keep interval)
language sql
stable
set search_path = ''
as $$
  select
    l.name,
    who.counted,
    pace.unit_ms * l.cost * interval '1 millisecond',
    pace.unit_ms * greatest(0, figures.amount * 0.025 - l.cost) * interval '1 millisecond',
    least(1000, figures.period_ms / 60) * interval '1 millisecond'
  from pg_catalog.jsonb_to_recordset(p_limits) as l (
    name text, per text, cost double precision, amount double precision, period_ms double precision
  )
  left join patchbay.provider_limits o on o.provider = p_provider and o.name = l.name
  left join public.integrations i on i.id = p_integration_id
  cross join lateral (
    select coalesce(o.amount, l.amount) as amount, coalesce(o.period_ms, l.period_ms) as period_ms
  ) figures
  cross join lateral (
    select case
      -- An app that is connected by itself is its account.
      when l.per = 'account' or i.grant_type = 'client_credentials' then i.account_id
      else p_client_id
    end as counted
  ) who
  cross join lateral (select figures.period_ms / (figures.amount * 0.95) as unit_ms) pace
  where figures.amount is not null and who.counted is not null
$$;

revoke execute on function patchbay.limits_of(text, uuid, text, jsonb) from public;

-- Reserves up to p_count requests under all their limits, and says how long to wait before the first (wait_ms). More than one only where
-- none has to wait; those that follow may be sent within keep_ms. granted 0: the wait would be longer than p_longest_ms, and nothing is
-- reserved. Only the database's clock counts, once the rows are locked.
create function patchbay.take_permits(
  p_provider text,
  p_integration_id uuid,
  p_client_id text,
  p_limits jsonb,
  p_count integer,
  p_longest_ms integer,
  out granted integer,
  out wait_ms integer,
  out keep_ms integer
)
language plpgsql
set search_path = ''
as $$
declare
  v_is_complete boolean;
begin
  with own as materialized (
    select l.* from patchbay.limits_of(p_provider, p_integration_id, p_client_id, p_limits) l
  ),
  -- Always in the order of the key, so that nobody waits for each other.
  locked as materialized (
    select own.*, c.arrival, c.paused_until
    from own
    join patchbay.permit_clocks c on c.provider = p_provider and c.name = own.name and c.counted = own.counted
    order by c.name, c.counted
    for update of c
  ),
  moment as materialized (
    select pg_catalog.clock_timestamp() as now, pg_catalog.count(*) = (select pg_catalog.count(*) from own) as is_complete
    from locked
  ),
  answer as materialized (
    select
      moment.now,
      moment.is_complete,
      pg_catalog.ceil(1000 * coalesce(pg_catalog.max(extract(
        epoch from greatest(locked.arrival - locked.tolerance, locked.paused_until, moment.now) - moment.now
      )), 0))::integer as wait_ms,
      -- How many fit into the tolerance, one behind the other.
      coalesce(pg_catalog.min(1 + pg_catalog.floor(
        extract(epoch from moment.now + locked.tolerance - greatest(locked.arrival, moment.now)) / extract(epoch from locked.step)
      )), p_count) as at_once,
      pg_catalog.floor(1000 * coalesce(pg_catalog.min(extract(epoch from locked.keep)), 1))::integer as keep_ms
    from moment
    left join locked on true
    group by moment.now, moment.is_complete
  ),
  decided as materialized (
    select
      answer.*,
      case
        when not answer.is_complete or answer.wait_ms > p_longest_ms then 0
        when answer.wait_ms > 0 then 1
        else least(p_count, answer.at_once)
      end::integer as granted
    from answer
  ),
  moved as (
    update patchbay.permit_clocks c set arrival = greatest(c.arrival, decided.now) + decided.granted * locked.step
    from locked, decided
    where decided.granted > 0 and c.provider = p_provider and c.name = locked.name and c.counted = locked.counted
  )
  select decided.granted, decided.wait_ms, decided.keep_ms, decided.is_complete
  into granted, wait_ms, keep_ms, v_is_complete
  from decided;

  if not v_is_complete then
    -- The first request of its kind.
    insert into patchbay.permit_clocks (provider, name, counted, arrival)
    select p_provider, l.name, l.counted, 'epoch'
    from patchbay.limits_of(p_provider, p_integration_id, p_client_id, p_limits) l
    order by l.name, l.counted
    on conflict do nothing;
    select t.granted, t.wait_ms, t.keep_ms into granted, wait_ms, keep_ms
    from patchbay.take_permits(p_provider, p_integration_id, p_client_id, p_limits, p_count, p_longest_ms) t;
  end if;
end
$$;

revoke execute on function patchbay.take_permits(text, uuid, text, jsonb, integer, integer) from public;

-- The provider says that it is too much: for p_ms milliseconds nobody sends what falls under these limits. What follows is evenly spread.
create function patchbay.pause_permits(p_provider text, p_integration_id uuid, p_client_id text, p_limits jsonb, p_ms integer)
returns void
language sql
set search_path = ''
as $$
  insert into patchbay.permit_clocks as c (provider, name, counted, arrival, paused_until)
  select p_provider, l.name, l.counted, resume.at + l.tolerance, resume.at
  from patchbay.limits_of(p_provider, p_integration_id, p_client_id, p_limits) l,
    (select pg_catalog.clock_timestamp() + p_ms * interval '1 millisecond' as at) resume
  order by l.name, l.counted
  on conflict (provider, name, counted) do update set
    arrival = greatest(c.arrival, excluded.arrival),
    paused_until = greatest(c.paused_until, excluded.paused_until)
$$;

revoke execute on function patchbay.pause_permits(text, uuid, text, jsonb, integer) from public;

-- Asked by who has waited for its turn: what was reserved before a pause is not sent during it.
create function patchbay.permits_paused(p_provider text, p_integration_id uuid, p_client_id text, p_limits jsonb)
returns boolean
language sql
set search_path = ''
as $$
  select exists (
    select from patchbay.limits_of(p_provider, p_integration_id, p_client_id, p_limits) l
    join patchbay.permit_clocks c on c.provider = p_provider and c.name = l.name and c.counted = l.counted
    where c.paused_until > pg_catalog.clock_timestamp()
  )
$$;

revoke execute on function patchbay.permits_paused(text, uuid, text, jsonb) from public;
