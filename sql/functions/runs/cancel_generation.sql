-- Cancels the generation: its running step is pending again, its waiting job never starts, its running job is asked to
-- abort. The caller has locked it and checked that it is active.
create or replace function coursegen.cancel_generation(g coursegen.generations, p_message text, p_ended_by text) returns text
language plpgsql
as $$
declare
    refused text;
begin
    refused := coursegen.end_generation(
        g.id, 'cancelled',
        jsonb_build_array(
            jsonb_build_object('step', coursegen.stage_step(g.stage), 'status', 'pending'),
            jsonb_build_object('message', p_message)
        ),
        p_ended_by
    );
    perform procrastinate_cancel_job_v1(job.id, true, false)
    from (
        select j.id from procrastinate_jobs j where j.queueing_lock = g.id::text and j.status = 'todo'
        union
        select a.job_id from coursegen.attempts a where a.generation_id = g.id and a.outcome is null
    ) job;
    return refused;
end
$$;
