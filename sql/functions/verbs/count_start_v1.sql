-- Counts a start of the generation's stage. It commits before the work begins, so that every start counts, however it ends.
-- A start that the same job left open was interrupted: its worker lived to queue it again.
-- p_stages has for each stage its most_starts and `failed`, the message of a failed step; p_exhausted is for the course's
-- owner.
-- Outcomes: counted; exhausted: no start was left, and the generation has failed; superseded: this run may not start.
create or replace function coursegen.count_start_v1(
    p_generation_id uuid, p_fence int, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text
) returns table (outcome text, attempt_id bigint, stage text, course_id uuid, tier text, priority int, refused text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        return next;
        return;
    end if;
    stage := generation.stage;
    course_id := generation.course_id;
    tier := generation.tier;
    priority := generation.priority;
    update coursegen.attempts a set outcome = 'interrupted', finished_at = now()
    where a.job_id = p_job_id and a.outcome is null;
    if coursegen.count_starts(p_generation_id, generation.stage) >= (p_stages -> stage ->> 'most_starts')::int then
        outcome := 'exhausted';
        refused := coursegen.fail_generation(
            generation, p_stages -> stage ->> 'failed', p_exhausted, jsonb_build_object('stage', generation.stage)
        );
    else
        outcome := 'counted';
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, generation.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
    end if;
    return next;
end
$$;
