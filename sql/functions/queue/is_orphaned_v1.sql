-- Whether a stage's job is marked as running and nobody runs it: its worker is unknown or has sent no heartbeat for
-- p_stalled_s, or the stage is overdue. p_stages has the overdue_s of each stage. A job of a worker whose row of the queue
-- was deleted is still its own, as the start names the worker's process.
create or replace function coursegen.is_orphaned_v1(job procrastinate_jobs, p_stalled_s float, p_stages jsonb)
returns boolean
language sql stable
as $$
    select job.status = 'doing' and (
        not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id and worker.last_heartbeat >= now() - make_interval(secs => p_stalled_s)
        )
        and not exists (
            select from coursegen.attempts attempt
            join coursegen.workers worker
                on worker.process = attempt.worker and worker.started_at <= attempt.started_at
            where job.worker_id is null and attempt.job_id = job.id and attempt.outcome is null
                and worker.last_heartbeat >= now() - make_interval(secs => p_stalled_s)
        )
        or exists (
            select from coursegen.attempts attempt
            where attempt.job_id = job.id and attempt.outcome is null
                and attempt.started_at < now() - make_interval(
                    secs => (p_stages -> attempt.stage::text ->> 'overdue_s')::float
                )
        )
    )
$$;
