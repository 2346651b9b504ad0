-- Counters of the public routes, in the form of rate-limiter-flexible. Unlogged: a crash forgets them, which hurts nobody.
create unlogged table patchbay.rate_limits (
  key text primary key,
  points integer not null default 0,
  expire bigint
);

comment on table patchbay.rate_limits is 'How often each user and address has called the public routes lately; expire is in milliseconds.';

create index rate_limits_expire_idx on patchbay.rate_limits (expire);

alter table patchbay.rate_limits enable row level security;
