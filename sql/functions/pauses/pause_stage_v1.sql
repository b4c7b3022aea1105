-- Pauses the generation because a provider is busy; this start does not count. The stage is queued again after p_pause_s, or,
-- if that is null, after p_backoff_s, doubled with each pause up to 10 minutes. Pauses without a unit saved in between last
-- p_most_s together; then the generation fails. p_why is for operators, p_waiting is shown meanwhile; p_step is shown as the
-- failed step's message and p_message is for the course's owner.
-- Outcomes: paused, failed, superseded (the attempt is closed so).
create or replace function coursegen.pause_stage_v1(
    p_generation_id uuid, p_fence int, p_attempt_id bigint, p_pause_s float, p_backoff_s float, p_most_s float,
    p_why text, p_waiting text, p_step text, p_message text
) returns table (outcome text, pause_s float, refused text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    pauses int;
    since timestamptz;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    select count(*), coalesce(min(a.finished_at), now()) into pauses, since
    from coursegen.attempts a
    where a.generation_id = p_generation_id and a.stage = generation.stage and a.outcome = 'paused'
        and a.finished_at > coalesce((
            select max(u.saved_at) from coursegen.units u
            where u.generation_id = p_generation_id and u.stage = generation.stage
        ), '-infinity');
    pause_s := greatest(1, coalesce(p_pause_s, least(p_backoff_s * 2 ^ least(pauses, 20), 600)));
    if extract(epoch from now() - since) + pause_s > p_most_s then
        outcome := 'failed';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome, p_why);
        refused := coursegen.fail_generation(generation, p_step, p_message, jsonb_build_object(
            'stage', generation.stage, 'pauses', pauses + 1, 'outcome', 'paused'
        ));
    else
        outcome := 'paused';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome, p_why);
        update coursegen.generations g
        set paused_until = now() + make_interval(secs => pause_s), paused_why = 'provider_busy'
        where g.id = p_generation_id;
        perform coursegen.write_course(generation.course_id, jsonb_build_array(
            '{"alive": true}'::jsonb, jsonb_build_object('message', p_waiting)
        ));
        perform coursegen.requeue_stage(p_generation_id, pause_s);
    end if;
    return next;
end
$$;
