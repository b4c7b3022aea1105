-- Queues the stage of a dead worker again under a new fence, or fails the generation after its last start. The last start
-- runs alone (p_suspects_lock): a stage that kills its worker kills those beside it, which must not fail for it.
-- With p_job_id, the job of the dead worker is checked again under its lock and deleted: a worker that wakes up can't end
-- a row that is gone. Without, the generation has no job at all.
-- Outcomes: taken_over; failed; job_closed: the generation went on without that job; none: not orphaned, or someone else
-- takes it over. p_stages has for each stage its most_starts, overdue_s and `failed`, the message of a failed step.
create or replace function coursegen.take_over_stage_v1(
    p_generation_id uuid, p_job_id bigint, p_stalled_s float, p_stages jsonb, p_suspects_lock text, p_exhausted text
) returns table (outcome text, stage text, fence int, refused text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
    job_fence int := generation.fence;
    limits jsonb := p_stages -> generation.stage::text;
    starts int;
begin
    if p_job_id is not null then
        select (o.args ->> 'fence')::int into job_fence
        from procrastinate_jobs o
        where o.id = p_job_id and coursegen.is_orphaned_v1(o, p_stalled_s, p_stages)
        for update skip locked;
    else
        perform where not exists (select from coursegen.generation_jobs_v1(p_generation_id));
    end if;
    if not found then
        outcome := 'none';
        return next;
        return;
    end if;
    -- Without a job the queue knows how the run ended: its worker lived to report it.
    update coursegen.attempts a
    set outcome = case when p_job_id is null then 'interrupted' else 'died' end::coursegen.attempt_outcome,
        finished_at = now()
    where a.outcome is null
        and case when p_job_id is null then a.generation_id = p_generation_id else a.job_id = p_job_id end;
    delete from procrastinate_jobs j where j.id = p_job_id and j.status = 'doing';

    stage := generation.stage;
    fence := generation.fence;
    if not coursegen.holds_fence_v1(generation, job_fence) then
        outcome := 'job_closed';
        return next;
        return;
    end if;
    starts := coursegen.count_starts(p_generation_id, generation.stage);
    if starts >= (limits ->> 'most_starts')::int then
        outcome := 'failed';
        refused := coursegen.fail_generation(
            generation, limits ->> 'failed', p_exhausted, jsonb_build_object('stage', generation.stage)
        );
    else
        outcome := 'taken_over';
        fence := coursegen.requeue_stage(
            p_generation_id, 0, case when starts = (limits ->> 'most_starts')::int - 1 then p_suspects_lock end
        );
    end if;
    return next;
end
$$;
