-- Whether a stage's job is marked as running while nobody runs it: its worker gave no sign of life for a while or is
-- unknown, or should have ended the stage long ago: p_stages has for each stage its overdue_s.
create or replace function coursegen.is_orphaned(job procrastinate_jobs, p_stalled_s float, p_stages jsonb)
returns boolean
language sql stable
as $$
    select job.status = 'doing' and (
        not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id and worker.last_heartbeat >= now() - make_interval(secs => p_stalled_s)
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
