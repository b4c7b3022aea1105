-- For how many seconds a generation has been idle, if that is p_least_s or more and it waits neither for its owner nor for a
-- stage that an operator has paused. Else null.
create or replace function coursegen.stuck_s_v1(generation coursegen.generations, p_least_s float) returns float
language sql stable
as $$
    select idle.s
    from coursegen.idle_s_v1(generation) idle (s)
    where generation.status <> 'awaiting_approval' and idle.s >= p_least_s
        and not ((generation.status = 'queued' or generation.paused_until is not null) and exists (
            select from coursegen.controls c where c.name in ('stages', 'stage:' || generation.stage)
        ))
$$;
