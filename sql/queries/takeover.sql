-- name: end_frozen_sessions
-- Nobody holds locks in a transaction whose process says nothing any more. The server's own timeout for that misses a
-- pipeline: until its Sync the session counts as active, waiting for its client.
select pid, pg_terminate_backend(pid) as ended
from pg_stat_activity
where datname = current_database() and usename = current_user and application_name like 'course-generation%%'
    and state = 'active' and wait_event = 'ClientRead' and xact_start is not null
    and state_change < now() - make_interval(secs => %(silent)s);

-- name: list_orphaned_jobs
-- Jobs of stages that are marked as running while nobody runs them: their worker gave no sign of life for a while, is
-- not known any more, or should have ended the stage itself long ago.
select
    job.id as job_id,
    (job.args ->> 'generation_id')::uuid as generation_id,
    (job.args ->> 'user_id')::uuid as user_id,
    job.args ->> 'request_id' as request_id,
    (job.args ->> 'fence')::int as fence,
    upper(substring(job.task_name from '[a-z_]+$')) as stage
from procrastinate_jobs job
left join procrastinate_workers worker on worker.id = job.worker_id
where job.status = 'doing' and job.queue_name = %(queue)s
    and (
        worker.id is null
        or worker.last_heartbeat < now() - make_interval(secs => %(stalled)s)
        or exists (
            select from coursegen.attempts attempt
            where attempt.job_id = job.id and attempt.outcome is null
                and attempt.started_at < now() - make_interval(secs => %(overdue)s)
        )
    )
order by job.priority desc, job.id;

-- name: lock_orphaned_job
-- The job, if it is orphaned still; skipped while somebody else looks after it.
select job.id
from procrastinate_jobs job
where job.id = %(job_id)s and job.status = 'doing'
    and (
        not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id
                and worker.last_heartbeat >= now() - make_interval(secs => %(stalled)s)
        )
        or exists (
            select from coursegen.attempts attempt
            where attempt.job_id = job.id and attempt.outcome is null
                and attempt.started_at < now() - make_interval(secs => %(overdue)s)
        )
    )
for update of job skip locked;

-- name: close_dead_attempts
update coursegen.attempts set outcome = 'died', finished_at = now() where job_id = %(job_id)s and outcome is null;

-- name: close_interrupted_attempts
-- The queue knows how the generation's jobs ended: who ran them lived to tell it.
update coursegen.attempts
set outcome = 'interrupted', finished_at = now()
where generation_id = %(generation_id)s and outcome is null;

-- name: delete_job
-- A row that is gone can't be ended by the one who lost it.
delete from procrastinate_jobs where id = %(job_id)s and status = 'doing' returning id;

-- name: list_jobless
-- Active generations that no job will move on: none waits and none runs.
select generation.id as generation_id, generation.user_id, generation.request_id, generation.fence,
    generation.stage::text
from coursegen.generations generation
where generation.status in ('queued', 'running')
    and not exists (
        select from procrastinate_jobs job
        where job.status = 'todo' and job.queueing_lock = generation.id::text
    )
    and not exists (
        select from procrastinate_jobs job
        where job.status = 'doing' and job.queue_name = %(queue)s
            and job.args ->> 'generation_id' = generation.id::text
    )
order by generation.priority desc, generation.id;

-- name: list_jobs_of_worker
-- What the queue says that the worker runs.
select id from procrastinate_jobs where worker_id = %(worker_id)s and status = 'doing';

-- name: disown_jobs
-- Nobody runs these jobs of a worker that lives: their starts are over, through no fault of the stage, and the jobs are
-- orphaned.
with disowned as (
    update procrastinate_jobs set worker_id = null
    where id = any(%(job_ids)s) and worker_id = %(worker_id)s and status = 'doing'
    returning id
)
update coursegen.attempts
set outcome = 'interrupted', finished_at = now()
from disowned
where job_id = disowned.id and outcome is null;

-- name: delete_dead_jobs
-- Jobs of a queue that nobody runs any more, where the next ones do their work: upkeep, webhooks.
with gone as (
    delete from procrastinate_jobs job
    where job.status = 'doing' and job.queue_name = %(queue)s
        and not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id
                and worker.last_heartbeat >= now() - make_interval(secs => %(stalled)s)
        )
    returning 1
)
select count(*) as deleted from gone;
