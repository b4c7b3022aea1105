-- Ends the start of a stage with this outcome. It replaces `died`: a run that reports its own end was not dead.
create or replace function coursegen.close_attempt_v1(p_attempt_id bigint, p_outcome text, p_error text default null)
returns void
language plpgsql
as $$
begin
    update coursegen.attempts
    set outcome = p_outcome::coursegen.attempt_outcome, error = p_error, finished_at = now()
    where id = p_attempt_id and (outcome is null or outcome = 'died');
end
$$;
