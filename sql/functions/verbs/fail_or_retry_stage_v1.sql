-- Queues the stage of a failed start again, after a backoff that doubles with each start. Fails the generation after
-- p_most_starts, or at once if the error is final. p_error is for operators; p_step is shown as the step's message and
-- p_message is for the course's owner.
-- Outcomes: retried, failed, superseded (the attempt is closed so).
create or replace function coursegen.fail_or_retry_stage_v1(
    p_generation_id uuid, p_fence int, p_attempt_id bigint, p_outcome text, p_error text, p_final boolean,
    p_most_starts int, p_backoff_s float, p_step text, p_message text
) returns table (outcome text, refused text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    starts int;
begin
    if not coursegen.holds_fence_v1(generation, p_fence) then
        outcome := 'superseded';
        perform coursegen.close_attempt_v1(p_attempt_id, outcome);
        return next;
        return;
    end if;
    perform coursegen.close_attempt_v1(p_attempt_id, p_outcome, p_error);
    if p_outcome = 'timeout' then
        perform coursegen.record_event(generation, 'worker_timeout', 'error');
    end if;
    starts := coursegen.count_starts(p_generation_id, generation.stage);
    if p_final or starts >= p_most_starts then
        outcome := 'failed';
        refused := coursegen.fail_generation(generation, p_step, p_message, jsonb_build_object(
            'stage', generation.stage, 'starts', starts, 'outcome', p_outcome
        ));
    else
        outcome := 'retried';
        perform coursegen.requeue_stage(p_generation_id, p_backoff_s * 2 ^ (starts - 1));
    end if;
    return next;
end
$$;
