-- Completes the stage: stores its result, once, completes its attempt and step (p_changes), starts or queues the next.
-- p_next is null after the last stage, else {"stage", "change", "status", "needs"} of the next one, and perhaps its "at_once".
-- With p_continue the run's own job goes on with the next stage, which has then begun, its start counted in this transaction.
-- If something more urgent waits in the queue or that stage is full or paused, a new job is queued under a new fence.
-- Outcomes: completed: generation and course are completed; continued; queued; superseded: nothing was written but the
-- attempt's end.
create or replace function coursegen.complete_stage_v1(
    p_generation_id uuid, p_fence int, p_stage text, p_attempt_id bigint, p_job_id bigint, p_worker text,
    p_result json, p_changes jsonb, p_status text, p_next jsonb, p_continue boolean
) returns table (outcome text, attempt_id bigint, input json)
language plpgsql
as $$
declare
    generation coursegen.generations := coursegen.lock_generation(p_generation_id);
    has_webhook constant boolean := generation.webhook_url is not null;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) or generation.stage::text <> p_stage then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    -- The guard of "once": a second result of the stage violates the key.
    insert into coursegen.stage_results (generation_id, stage, attempt_id)
    values (p_generation_id, generation.stage, p_attempt_id);
    perform coursegen.store_stage_result(p_generation_id, p_stage, p_result);
    p_changes := coursegen.add_result_metadata(p_generation_id, p_stage, p_result, p_changes);
    perform coursegen.close_attempt_v1(p_attempt_id, 'completed');

    if p_next is null then
        outcome := 'completed';
        perform coursegen.end_generation(p_generation_id, 'completed', p_changes);
        return next;
        return;
    end if;

    update coursegen.generations g set stage = (p_next ->> 'stage')::coursegen.stage
    where g.id = p_generation_id
    returning g.* into generation;
    outcome := case when p_continue and exists (
        select from procrastinate_jobs own
        where own.id = p_job_id and own.status = 'doing' and not own.abort_requested and own.lock is null
    ) and not exists (
        select from procrastinate_jobs other
        where other.status = 'todo' and other.queue_name = 'stages' and other.priority > generation.priority
            and (other.scheduled_at is null or other.scheduled_at <= now())
    ) and coursegen.why_stage_waits(generation, (p_next ->> 'at_once')::int) is null then 'continued' else 'queued' end;

    if outcome = 'queued' or has_webhook then
        perform coursegen.write_course(generation.course_id, p_changes);
        p_changes := '[]';
        if has_webhook then
            perform coursegen.announce(p_generation_id, p_status, null);
        end if;
    end if;
    if outcome = 'queued' then
        perform coursegen.requeue_stage(p_generation_id);
    else
        insert into coursegen.attempts as a (generation_id, stage, fence, job_id, worker)
        values (p_generation_id, generation.stage, p_fence, p_job_id, p_worker)
        returning a.id into attempt_id;
        perform coursegen.write_course(generation.course_id, p_changes || (p_next -> 'change'), p_next ->> 'status');
        if has_webhook then
            perform coursegen.announce(p_generation_id, p_next ->> 'status', null);
        end if;
        input := coursegen.read_stage_input(
            generation, array(select jsonb_array_elements_text(p_next -> 'needs'))
        );
    end if;
    return next;
end
$$;
