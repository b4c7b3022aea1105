-- name: count_start
select counted.*, (select traceparent from coursegen.generations where id = %(generation_id)s) as traceparent
from coursegen.count_start_v1(
    %(generation_id)s, %(fence)s, %(job_id)s, %(worker)s, %(stages)s, %(exhausted)s
) counted;

-- name: begin_stage
select *
from coursegen.begin_stage_v1(
    %(generation_id)s, %(fence)s, %(attempt_id)s, %(change)s, %(status)s, %(needs)s, %(first_change)s
);

-- name: complete_stage
select *
from coursegen.complete_stage_v1(
    %(generation_id)s, %(fence)s, %(stage)s, %(attempt_id)s, %(job_id)s, %(worker)s, %(result)s, %(changes)s, %(status)s,
    %(next)s, %(continue)s
);

-- name: fail_or_retry_stage
select *
from coursegen.fail_or_retry_stage_v1(
    %(generation_id)s, %(fence)s, %(attempt_id)s, %(outcome)s, %(error)s, %(final)s, %(most_starts)s, %(backoff_s)s,
    %(step)s, %(message)s
);

-- name: hand_back_stage
select * from coursegen.hand_back_stage_v1(%(generation_id)s, %(fence)s, %(attempt_id)s, %(outcome)s);

-- name: close_attempt
select coursegen.close_attempt_v1(%(attempt_id)s, %(outcome)s);

-- name: report_units
select * from coursegen.report_units_v1(%(generation_id)s, %(fence)s, %(stage)s, %(change)s);

-- name: record_reader_faults
select coursegen.record_reader_faults_v1(%(generation_id)s, %(faults)s);

-- name: settle_generation
select * from coursegen.settle_generation_v1(%(generation_id)s, %(message)s);

-- name: check_cancel
-- Whether the course has an active generation, and how long the user must wait before another cancel (null: not at all).
select
    exists (
        select from coursegen.generations g where g.course_id = %(course_id)s and g.finished_at is null
    ) as is_active,
    coursegen.rate_wait_v1(%(user_id)s, %(per_minute)s) as wait_s;

-- name: cancel_generation
select * from coursegen.cancel_generation_v1(%(course_id)s, %(message)s, %(ended_by)s);

-- name: take_over_stage
select *
from coursegen.take_over_stage_v1(
    %(generation_id)s, %(job_id)s, %(stalled_s)s, %(stages)s, %(suspects_lock)s, %(exhausted)s
);

-- name: list_abandoned
-- Generations whose stage nobody runs: their job is orphaned, or they have none at all (no job_id). A job that names no
-- generation is somebody else's.
select
    job.id as job_id,
    (job.args ->> 'generation_id')::uuid as generation_id,
    (job.args ->> 'user_id')::uuid as user_id,
    job.args ->> 'request_id' as request_id,
    job.priority
from procrastinate_jobs job
where job.status = 'doing' and job.queue_name = 'stages'
    and concat(job.args ->> 'generation_id', job.args ->> 'user_id') ~ '^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}){2}$'
    and coursegen.is_orphaned_v1(job, %(stalled_s)s, %(stages)s)
union all
select null, generation.id, generation.user_id, generation.request_id, generation.priority
from coursegen.generations generation
where generation.status in ('queued', 'running')
    and not exists (select from coursegen.generation_jobs_v1(generation.id))
order by priority desc, generation_id;

-- name: list_stopped
-- Active generations that may not go on: their course has a new owner, or the platform set it to cancelled.
select generation.id as generation_id, generation.user_id, generation.request_id
from coursegen.generations generation
where generation.status in ('queued', 'running') and not coursegen.holds_fence_v1(generation, generation.fence);

-- name: list_jobs_of_worker
-- What the queue marks as run by the worker.
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
-- Jobs that nobody runs any more, of a queue where the next job does their work: upkeep, webhooks.
with gone as (
    delete from procrastinate_jobs job
    where job.status = 'doing' and job.queue_name = %(queue)s
        and not exists (
            select from procrastinate_workers worker
            where worker.id = job.worker_id
                and worker.last_heartbeat >= now() - make_interval(secs => %(stalled_s)s)
        )
    returning 1
)
select count(*) as deleted from gone;

-- name: pause_stage
select *
from coursegen.pause_stage_v1(
    %(generation_id)s, %(fence)s, %(attempt_id)s, %(pause_s)s, %(backoff_s)s, %(most_s)s, %(why)s, %(waiting)s, %(step)s,
    %(message)s
);

-- name: keep_attempt_log
select coursegen.keep_attempt_log_v1(%(attempt_id)s, %(lines)s);

-- name: find_unit
select * from coursegen.find_unit_v1(%(generation_id)s, %(fence)s, %(stage)s, %(unit)s, %(hash)s);

-- name: save_unit
select *
from coursegen.save_unit_v1(
    %(generation_id)s, %(fence)s, %(stage)s, %(unit)s, %(hash)s, %(result)s, %(handler)s, %(version)s, %(model)s,
    %(calls)s, %(tokens)s, %(money)s
);

-- name: spend
select * from coursegen.spend_v1(%(generation_id)s, %(fence)s, %(calls)s, %(tokens)s, %(money)s, %(budget)s);
