-- Queues a job that sends the generation's first pending delivery when it is due. False where none is needed: nothing is
-- pending, a sender has the claim and will schedule the next job, or a job waits already. The caller holds the
-- generation's lock, since only one of these jobs may wait.
create or replace function coursegen.schedule_delivery(p_generation_id uuid) returns boolean
language plpgsql
as $$
declare
    queueing constant text := 'webhook:' || p_generation_id;
    due timestamptz;
begin
    select d.due_at into due
    from coursegen.webhook_deliveries d
    where d.generation_id = p_generation_id and d.state = 'pending'
        and coalesce(d.held_until, '-infinity') <= now()
        and not exists (
            select from procrastinate_jobs j where j.status = 'todo' and j.queueing_lock = queueing
        )
        and d.seq = (
            select min(p.seq) from coursegen.webhook_deliveries p
            where p.generation_id = p_generation_id and p.state = 'pending'
        );
    if not found then
        return false;
    end if;
    perform procrastinate_defer_jobs_v1(array[row(
        'webhooks', 'tasks.webhooks.deliver', 0, null, queueing,
        jsonb_build_object('generation_id', p_generation_id), case when due > now() then due end
    )::procrastinate_job_to_defer_v1]);
    return true;
end
$$;
