-- Secrets, OAuth states, cursors and the functions that must be atomic live here. The Data API does not expose this schema,
-- and no client role may even name it.
create schema if not exists patchbay;

revoke all on schema patchbay from public;

comment on schema patchbay is 'Patchbay: secrets, OAuth states, cursors and functions. Never exposed by the Data API.';

-- Refuses bad input with a sentence and a constraint name, so that SQL and REST callers see the same stable code.
create function patchbay.refuse(p_constraint text, p_message text, p_hint text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using
    errcode = 'check_violation', constraint = p_constraint, message = p_message, hint = p_hint;
end
$$;

revoke execute on function patchbay.refuse(text, text, text) from public;

create function patchbay.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

revoke execute on function patchbay.set_updated_at() from public;
