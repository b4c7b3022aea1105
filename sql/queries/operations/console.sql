-- name: count_levels
-- What is under way.
select
    count(*) as active,
    count(*) filter (where status = 'running') as running,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where system_slot is not null) as slots
from coursegen.generations
where finished_at is null;

-- name: list_waiting_priorities
-- The stages that wait for a worker, by priority, and for how many seconds the oldest has waited.
select job.priority, count(*) as stages, extract(epoch from now() - min(greatest(event.at, job.scheduled_at)))::float as oldest_s
from procrastinate_jobs job
left join procrastinate_events event on event.job_id = job.id and event.type = 'deferred'
where job.queue_name = 'stages' and job.status = 'todo' and coalesce(job.scheduled_at, now()) <= now()
group by job.priority
order by job.priority desc;

-- name: compare_rates
-- What ended, and what was refused, in the last quarter of an hour and in the same one of yesterday.
with span (name, begins, ends) as (
    values
        ('now', now() - interval '15 minutes', now()),
        ('yesterday', now() - interval '1 day 15 minutes', now() - interval '1 day')
)
select
    span.name,
    ended.completed, ended.failed, ended.cancelled,
    coalesce((
        select sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)
        from system_metrics
        where event_type = 'concurrency_limit_hit' and "timestamp" >= span.begins and "timestamp" < span.ends
    ), 0)::bigint as refused
from span
cross join lateral (
    select
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled
    from coursegen.generations
    where finished_at >= span.begins and finished_at < span.ends
) ended;

-- name: list_workers
-- The workers that gave a sign of life within a day, and the stages that each has in hand.
select
    worker.name, worker.process, worker.version, worker.queues, worker.started_at, worker.last_heartbeat,
    worker.last_heartbeat > now() - make_interval(secs => %(stalled)s) as is_alive,
    extract(epoch from now() - worker.last_heartbeat)::float as silent_s,
    process.places, process.cpu_pressure, process.memory_available, process.memory_total,
    coalesce((
        select jsonb_agg(
            jsonb_build_object(
                'id', attempt.generation_id, 'stage', attempt.stage,
                'since_s', extract(epoch from now() - attempt.started_at)
            ) order by attempt.started_at
        )
        from coursegen.attempts attempt
        where attempt.outcome is null and attempt.worker = worker.process
    ), '[]') as in_hand
from coursegen.workers worker
left join coursegen.processes process on process.process = worker.process
order by is_alive desc, worker.name, worker.process;

-- name: list_processes
-- The processes that gave a sign of life within a day, with what each says of itself.
select
    process, kind, version, places, settings, cpu_pressure, memory_available, memory_total, started_at, seen_at,
    seen_at > now() - make_interval(secs => %(stalled)s) as is_alive
from coursegen.processes
order by is_alive desc, kind, process;

-- name: list_versions
-- The versions of the live processes, those of workers of an earlier release among them.
select distinct version
from (
    select version, seen_at from coursegen.processes
    union all
    select version, last_heartbeat from coursegen.workers
) process
where seen_at > now() - make_interval(secs => %(stalled)s)
order by version;

-- name: count_places
-- How many stages the live workers can run at once, and whether each says so.
select
    coursegen.live_places_v1(%(stalled)s) as places,
    count(*) as workers,
    count(*) = count(process.places) as are_known
from coursegen.workers worker
left join coursegen.processes process on process.process = worker.process
where 'stages' = any (worker.queues) and worker.last_heartbeat > now() - make_interval(secs => %(stalled)s);

-- name: find_limit_move
-- Where the dynamic limit is, why, and for how long.
select value, reason, extract(epoch from now() - changed_at)::float as changed_s from coursegen.dynamic_limit;

-- name: list_waiting_jobs
-- The jobs that wait, in the order in which workers fetch them. `delayed_by`: why a worker would not fetch it now.
with waiting as (
    select *, coalesce(scheduled_at, now()) > now() as is_delayed
    from procrastinate_jobs
    where status = 'todo' and queue_name = any(%(queues)s)
    order by is_delayed, queue_name, priority desc, id
    limit %(limit)s
)
select
    job.id, job.queue_name as queue, job.task_name as task, job.priority, job.scheduled_at, job.attempts,
    job.args ->> 'generation_id' as generation_id, course.slug,
    extract(epoch from now() - greatest(event.at, job.scheduled_at))::float as waiting_s,
    case
        when job.is_delayed then coalesce(
            generation.paused_why, 'after ' || attempt.outcome, case when job.attempts > 0 then 'after a failure' end, 'planned'
        )
        when job.lock is not null and exists (
            select from procrastinate_jobs other where other.status = 'doing' and other.lock = job.lock
        ) then 'another of its kind runs'
    end as delayed_by
from waiting job
left join coursegen.generations generation
    on job.queue_name = 'stages' and generation.id = (job.args ->> 'generation_id')::uuid
left join courses course on course.id = generation.course_id
left join lateral (
    select outcome::text from coursegen.attempts where generation_id = generation.id order by id desc limit 1
) attempt on true
left join lateral (
    select max(at) as at from procrastinate_events where job_id = job.id and type in ('deferred', 'deferred_for_retry')
) event on true
order by job.is_delayed, job.queue_name, job.priority desc, job.id;

-- name: list_audit
-- The latest changes by people. A filter that is null matches all.
select at, actor, action, generation_id, course_id, reason, details
from coursegen.audit
where (%(generation_id)s::uuid is null or generation_id = %(generation_id)s)
    and (%(actor)s::text is null or strpos(actor, %(actor)s) > 0)
    and (%(action)s::text is null or action = %(action)s)
    and (%(since_s)s::float is null or at >= now() - make_interval(secs => %(since_s)s))
order by at desc, id desc
limit %(limit)s;

-- name: delete_expired_sign_ins
with links as (
    delete from coursegen.console_links where expires_at < now()
)
delete from coursegen.console_sessions where expires_at < now();

-- name: insert_console_link
insert into coursegen.console_links (hash, role, created_by, expires_at)
values (%(hash)s, %(role)s, %(created_by)s, now() + make_interval(secs => %(expires_s)s));

-- name: use_console_link
-- Of two uses at once, one finds the row.
delete from coursegen.console_links
where hash = %(hash)s and expires_at > now()
returning role, created_by;

-- name: insert_console_session
insert into coursegen.console_sessions (hash, operator, role, expires_at)
values (%(hash)s, %(operator)s, %(role)s, now() + make_interval(secs => %(expires_s)s));

-- name: find_console_session
select operator, role from coursegen.console_sessions where hash = %(hash)s and expires_at > now();

-- name: delete_console_session
delete from coursegen.console_sessions where hash = %(hash)s;

-- name: begin_console_form
-- No row if that form was sent before. Forms of earlier days are forgotten.
with old as (
    delete from coursegen.console_forms where sent_at < now() - interval '7 days'
)
insert into coursegen.console_forms (key, operator) values (%(key)s, %(operator)s)
on conflict do nothing
returning key;

-- name: finish_console_form
update coursegen.console_forms set result = %(result)s where key = %(key)s;

-- name: find_console_form
select result, sent_at from coursegen.console_forms where key = %(key)s;

-- name: list_periodic_work
-- When each periodic task was last due, what became of that job (one that succeeded is deleted), and when one last failed.
select
    asked.task, to_timestamp(defer.defer_timestamp) as last_at,
    case when defer.id is not null then coalesce(job.status::text, 'succeeded') end as state,
    (
        select max(event.at)
        from procrastinate_jobs failed
        join procrastinate_events event on event.job_id = failed.id and event.type in ('failed', 'aborted')
        where failed.queue_name = %(queue)s and failed.task_name = asked.task and failed.status in ('failed', 'aborted')
    ) as failed_at
from unnest(%(tasks)s::text[]) with ordinality asked (task, position)
left join lateral (
    select * from procrastinate_periodic_defers
    where task_name = asked.task
    order by defer_timestamp desc
    limit 1
) defer on true
left join procrastinate_jobs job on job.id = defer.job_id
order by asked.position;
