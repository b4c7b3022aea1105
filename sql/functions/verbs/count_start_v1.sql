-- Counts a start of the generation's stage. It commits before the work begins, so that every start counts, however it ends.
-- A start that the same job left open was interrupted: its worker lived to queue it again.
-- p_stages has for each stage its most_starts and `failed`, the message of a failed step; p_exhausted is for the course's
-- owner. It may have at_once, how many of the stage may run at a time, and full_s: a stage that is full, or that an operator has
-- paused, is queued again after it, without a start, and a generation that runs is paused. `waiting` is shown meanwhile.
-- Outcomes: counted; full: or paused; exhausted: no start was left, and the generation has failed; superseded: this run may not start.
create or replace function coursegen.count_start_v1(
    p_generation_id uuid, p_fence int, p_job_id bigint, p_worker text, p_stages jsonb, p_exhausted text
) returns table (outcome text, attempt_id bigint, stage text, course_id uuid, tier text, priority int, refused text)
language plpgsql
as $$
declare
    waits text;
    wait_s float;
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
        return next;
        return;
    end if;
    waits := coursegen.why_stage_waits(generation, (p_stages -> stage ->> 'at_once')::int);
    if waits is null then
        outcome := 'counted';
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, generation.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
    else
        outcome := 'full';
        wait_s := coalesce((p_stages -> stage ->> 'full_s')::float, 5);  -- an earlier release does not name it
        update coursegen.generations g
        set paused_why = waits, paused_until = now() + make_interval(secs => wait_s)
        where g.id = p_generation_id and g.status = 'running';
        if waits = 'stage_paused' then
            perform coursegen.write_course(
                generation.course_id,
                jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('message', p_stages -> stage -> 'waiting')))
            );
        end if;
        perform coursegen.requeue_stage(
            p_generation_id, wait_s, (select j.lock from procrastinate_jobs j where j.id = p_job_id)
        );
    end if;
    return next;
end
$$;
