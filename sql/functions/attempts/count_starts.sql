-- How many starts of the stage count against its limit: those that went wrong and those that ended in silence.
create or replace function coursegen.count_starts(p_generation_id uuid, p_stage coursegen.stage) returns int
language plpgsql stable
as $$
begin
    return (
        select count(*)::int from coursegen.attempts
        where generation_id = p_generation_id and stage = p_stage
            and (outcome is null or outcome in ('failed', 'timeout', 'died'))
    );
end
$$;
