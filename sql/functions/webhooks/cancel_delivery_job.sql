-- The generation has no job that waits to send a delivery: it may be hours away, and only one of these jobs may wait.
create or replace function coursegen.cancel_delivery_job(p_generation_id uuid) returns void
language sql
as $$
    select procrastinate_cancel_job_v1(j.id, false, false)
    from procrastinate_jobs j
    where j.status = 'todo' and j.queueing_lock = 'webhook:' || p_generation_id
$$;
