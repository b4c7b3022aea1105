-- Records a worker's sign of life; the first one registers it. The queue's own row of the worker is written again if it was
-- deleted: another program may prune it while this worker's host is suspended. The jobs in p_jobs, which the worker runs,
-- then belong to it again.
-- Outcomes: registered; kept; restored: the queue's row was gone.
create or replace function coursegen.keep_worker_v1(
    p_id bigint, p_process text, p_name text, p_version text, p_queues text[], p_jobs bigint[], out outcome text
)
language plpgsql
as $$
begin
    update procrastinate_workers set last_heartbeat = now() where id = p_id;
    if found then
        outcome := 'kept';
    else
        outcome := 'restored';
        insert into procrastinate_workers (id, last_heartbeat) overriding system value values (p_id, now());
        update procrastinate_jobs set worker_id = p_id
        where id = any(p_jobs) and status = 'doing' and worker_id is null;
    end if;
    update coursegen.workers set last_heartbeat = now() where id = p_id;
    if not found then
        outcome := 'registered';
        insert into coursegen.workers (id, process, name, version, queues)
        values (p_id, p_process, p_name, p_version, p_queues);
    end if;
end
$$;
