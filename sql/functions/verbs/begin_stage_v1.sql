-- Begins the stage whose start was counted: sets its step in progress (p_change) and the course to p_status, and reads the
-- stage's input. Completes a first step that was never completed (p_first_change), with an event. Ends a pause.
-- Outcomes: begun; superseded: the run no longer holds the generation, its attempt is closed.
create or replace function coursegen.begin_stage_v1(
    p_generation_id uuid, p_fence int, p_attempt_id bigint, p_change jsonb, p_status text, p_needs text[],
    p_first_change jsonb
) returns table (outcome text, recovered boolean, input json)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    recovered := (
        select c.generation_progress #>> '{steps,0,status}' is distinct from 'completed'
        from public.courses c where c.id = generation.course_id
    );
    if generation.status <> 'running' or generation.started_at is null or generation.paused_until is not null then
        update coursegen.generations g
        set status = 'running', started_at = coalesce(g.started_at, now()), paused_until = null, paused_why = null
        where g.id = p_generation_id;
    end if;
    perform coursegen.write_course(
        generation.course_id,
        case when recovered then jsonb_build_array(p_first_change) else '[]' end
        || p_change
        -- The message of the pause goes; the step has not changed.
        || case
            when generation.paused_until is null then '[]'
            else jsonb_build_array(jsonb_build_object('message', p_change -> 'message'))
        end,
        p_status
    );
    if recovered then
        perform coursegen.record_event(generation, 'orphaned_job_recovery', 'warn');
    end if;
    if generation.webhook_url is not null then
        perform coursegen.announce(p_generation_id, p_status, null);
    end if;
    outcome := 'begun';
    input := coursegen.read_stage_input(generation, p_needs);
    return next;
end
$$;
