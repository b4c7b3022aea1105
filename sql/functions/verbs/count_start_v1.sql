-- Counts a start of the generation's stage. It commits before the work begins, so that every start counts, however it ends.
-- A start that the same job left open was interrupted: its worker lived to queue it again.
-- p_stages has for each stage its most_starts and `failed`, the message of a failed step; p_exhausted is for the course's
-- owner. It may have at_once, how many of the stage may run at a time, and full_s: a stage that is full is queued again after
-- it, without a start, and a generation that runs is paused.
-- Outcomes: counted; full; exhausted: no start was left, and the generation has failed; superseded: this run may not start.
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
    elsif coursegen.is_stage_full(generation, (p_stages -> stage ->> 'at_once')::int) then
        outcome := 'full';
        update coursegen.generations g
        set paused_why = 'stage_full',
            paused_until = now() + make_interval(secs => (p_stages -> generation.stage::text ->> 'full_s')::float)
        where g.id = p_generation_id and g.status = 'running';
        perform coursegen.requeue_stage(
            p_generation_id, (p_stages -> stage ->> 'full_s')::float,
            (select j.lock from procrastinate_jobs j where j.id = p_job_id)
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
