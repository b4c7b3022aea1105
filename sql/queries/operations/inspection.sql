-- name: find_generation
select * from coursegen.generations where id = %(generation_id)s;

-- name: list_attempt_logs
-- The last lines that the handlers printed and logged, start by start.
select attempt.stage::text, attempt.started_at, attempt.outcome::text, log.lines
from coursegen.attempts attempt
join coursegen.attempt_logs log on log.attempt_id = attempt.id
where attempt.generation_id = %(generation_id)s
order by attempt.id;

-- name: list_events
-- The latest events, of one type or all. Each table is read newest first through an index, and no further than needed.
(
    select "timestamp", event_type::text, severity::text, user_id, course_id, job_id, metadata
    from system_metrics
    where (%(event_type)s::text is null or event_type = coursegen.event_type_named_v1(%(event_type)s))
        and "timestamp" >= now() - make_interval(secs => %(since_s)s)
    order by "timestamp" desc
    limit %(limit)s
)
union all
(
    select "timestamp", event_type, severity::text, user_id, course_id, job_id, metadata
    from coursegen.events
    where (%(event_type)s::text is null or event_type = %(event_type)s)
        and "timestamp" >= now() - make_interval(secs => %(since_s)s)
    order by "timestamp" desc
    limit %(limit)s
)
order by "timestamp" desc
limit %(limit)s;

-- name: insert_events
select coursegen.insert_events_v1(%(events)s);

-- name: inspect_server
-- The server's version, clock and connections, the workers, and the work that waits. Of webhooks: how many generations have
-- a pending delivery, and for how many seconds the most overdue of these has been due; one that waits for a busy sender
-- of its user or host is not overdue. And how many fail at their receivers, one for how long.
select
    current_setting('server_version_num')::int as version,
    extract(epoch from clock_timestamp()) as clock,
    current_setting('max_connections')::int as max_connections,
    (select count(*) from pg_stat_activity) as connections,
    array(select coursegen.live_workers_v1(queue, %(stalled)s) from unnest(%(queues)s::text[]) queue) as workers,
    (select count(*) from procrastinate_jobs where queue_name = 'stages' and status = 'todo') as waiting,
    (select extract(epoch from now() - min(created_at)) from coursegen.generations where finished_at is null and status = 'queued')
        as oldest_s,
    count(*) as webhooks,
    extract(epoch from now() - min(head.due_at) filter (where senders_of_user + senders_of_host = 0)) as overdue_s,
    count(*) filter (where head.failures >= 3) as failing,
    extract(epoch from now() - min(delivery.created_at) filter (where head.failures >= 3)) as failing_s
from coursegen.list_webhook_heads_v1() head
join coursegen.webhook_deliveries delivery on delivery.generation_id = head.generation_id and delivery.seq = head.seq;

-- name: can_list_blockers
select to_regprocedure('coursegen.list_blockers_v1(double precision)') is not null as can;

-- name: list_blockers
select * from coursegen.list_blockers_v1(%(open_s)s);

-- name: inspect_pace
-- How work proceeds. A handler is silent if its generation has made no progress for `times` as long as its stage usually
-- takes, between `least_s` and `most_s`; after `stuck_s` it is stuck. waited_s: for how long a stage has waited for a
-- worker. completed_s: since when none has completed. Of starts, the last 500 are looked at.
with recent as materialized (
    select stage, outcome, started_at, finished_at from coursegen.attempts order by id desc limit 500
),
usual as (
    select stage, extract(epoch from percentile_cont(0.5) within group (order by finished_at - started_at)) as median_s
    from recent
    where outcome = 'completed'
    group by stage
),
silent as (
    select idle.s, jsonb_build_object('job', attempt.generation_id, 'stage', attempt.stage, 'worker', attempt.worker) as what
    from coursegen.attempts attempt
    join coursegen.generations generation on generation.id = attempt.generation_id and generation.stage = attempt.stage
    cross join lateral (select coursegen.idle_s_v1(generation) as s) idle
    left join usual on usual.stage = attempt.stage
    where attempt.outcome is null and generation.finished_at is null and idle.s < %(stuck_s)s
        and idle.s >= least(%(most_s)s, greatest(%(least_s)s, %(times)s * coalesce(usual.median_s, %(most_s)s)))
),
oldest as (
    select id, scheduled_at from procrastinate_jobs
    where queue_name = 'stages' and status = 'todo' and coalesce(scheduled_at, now()) <= now()
    order by id limit 1
)
select
    (select count(*) from silent) as silent,
    (select max(s) from silent)::float as silent_s,
    (select what from silent order by s desc limit 1) as first_silent,
    (
        select extract(epoch from now() - greatest(max(event.at), oldest.scheduled_at))::float
        from oldest
        left join procrastinate_events event on event.job_id = oldest.id and event.type in ('deferred', 'deferred_for_retry')
        group by oldest.scheduled_at
    ) as waited_s,
    (select extract(epoch from now() - max(finished_at))::float from recent where outcome = 'completed') as completed_s,
    (select count(*) from coursegen.generations where system_slot is not null) as places,
    coalesce((
        select sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)
        from (
            select metadata from system_metrics
            where event_type = 'concurrency_limit_hit' and metadata ->> 'limit' = 'system'
                and "timestamp" > now() - make_interval(secs => %(refused_s)s)
            limit 1000
        ) refusal
    ), 0)::bigint as refused;

-- name: list_courses_named
-- Courses with that id or slug, of one user or all. Two rows are enough to see that there are several.
select id, user_id
from courses
where (id = %(id)s::uuid or slug = %(slug)s) and (%(user_id)s::uuid is null or user_id = %(user_id)s)
limit 2;

-- name: find_progress
-- The progress of a course, for an operator. Others may write the column, so every number in it is checked.
select
    coursegen.shown_status_v1(course.id) as status,
    coalesce(substring(generation_progress ->> 'percentage' from '^[0-9]{1,3}$')::int, 0) as percentage,
    coalesce(substring(generation_progress ->> 'current_step' from '^[1-5]$')::int, 1) as step,
    coalesce(jsonb_path_query_first(generation_progress, '$.steps[*] ? (@.id == $.current_step).name') #>> '{}', '')
        as name,
    coalesce(generation_progress ->> 'message', '') as message,
    coalesce(substring(generation_progress ->> 'lessons_completed' from '^[0-9]{1,6}$')::int, 0) as lessons_completed,
    coalesce(substring(generation_progress ->> 'lessons_total' from '^[0-9]{1,6}$')::int, 0) as lessons_total,
    course.error_message as error,
    coursegen.live_workers_v1('stages', %(stalled)s) > 0 as worker_alive
from courses course
where course.id = %(id)s;

-- name: insert_audit
insert into coursegen.audit (actor, action, generation_id, course_id, reason, details)
values (%(actor)s, %(action)s, %(generation_id)s, %(course_id)s, %(reason)s, %(details)s);

-- name: set_priority
select * from coursegen.set_priority_v1(%(generation_id)s, %(priority)s, %(actor)s, %(reason)s);

-- name: list_active_generations
select id, course_id from coursegen.generations where finished_at is null order by created_at;

-- name: count_old_stack
select coursegen.count_old_stack_v1() as courses;

-- name: inspect_status_map
-- Where a generation's status is written, and what the platform refused within a day.
select
    (select m.source from coursegen.status_map m limit 1) as source,
    (select m.column_name from coursegen.status_map m where m.column_name is not null limit 1) as column_name,
    count(*) as refused,
    (array_agg(e.metadata order by e."timestamp" desc))[1] as latest
from coursegen.events e
where e.event_type = 'status_refused' and e."timestamp" > now() - interval '1 day';

-- name: inspect_progress
-- How many active generations have made no progress for so long, and for how long the longest.
select count(*) as stuck, max(stuck_s) as longest_s
from (
    select case when created_at <= now() - make_interval(secs => %(stuck_s)s) then coursegen.stuck_s_v1(generation, %(stuck_s)s) end as stuck_s
    from coursegen.generations generation
    where finished_at is null
) active
where stuck_s is not null;
