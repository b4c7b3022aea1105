-- Queues the generation's current stage under a new fence: a run under the old one may write nothing more. A job of an older
-- fence that an operator queued again gives way. The caller has locked the generation. Returns the new fence.
create or replace function coursegen.requeue_stage(p_generation_id uuid, p_delay_s float default 0, p_lock text default null)
returns int
language plpgsql
as $$
declare
    generation coursegen.generations;
begin
    update coursegen.generations g set fence = g.fence + 1 where g.id = p_generation_id returning g.* into generation;
    perform procrastinate_cancel_job_v1(j.id, false, true)
    from procrastinate_jobs j
    where j.queueing_lock = p_generation_id::text and j.status = 'todo';
    perform procrastinate_defer_jobs_v1(array[coursegen.stage_job(generation, p_delay_s, p_lock)]);
    return generation.fence;
end
$$;
