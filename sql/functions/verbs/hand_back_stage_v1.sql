-- Queues the stage again at once, for another worker, and alone if it ran alone; this start does not count.
-- Outcomes: handed_back, superseded (the attempt is closed so).
create or replace function coursegen.hand_back_stage_v1(
    p_generation_id uuid, p_fence int, p_attempt_id bigint, p_outcome text
) returns table (outcome text)
language plpgsql
as $$
begin
    if coursegen.holds_fence_v1(coursegen.lock_generation(p_generation_id), p_fence) then
        outcome := 'handed_back';
        perform coursegen.close_attempt_v1(p_attempt_id, p_outcome);
        perform coursegen.requeue_stage(p_generation_id, 0, (
            select j.lock from coursegen.attempts a join procrastinate_jobs j on j.id = a.job_id where a.id = p_attempt_id
        ));
    else
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
    end if;
    return next;
end
$$;
