-- `close_attempt_v1`, for processes of the earlier release.
create or replace function coursegen.close_attempt(p_attempt_id bigint, p_outcome text, p_error text default null)
returns void
language sql
as $$
    select coursegen.close_attempt_v1(p_attempt_id, p_outcome, p_error)
$$;
