-- name: list_generations
-- The latest generations, of one status or all.
select
    generation.id, generation.status::text, generation.stage::text, generation.tier::text, course.slug,
    generation.user_id, generation.created_at, generation.started_at, generation.finished_at, generation.error_message
from coursegen.generations generation
join courses course on course.id = generation.course_id
where (%(status)s::text is null or generation.status = %(status)s::coursegen.generation_status)
    and generation.created_at >= now() - make_interval(secs => %(since_s)s)
order by generation.created_at desc
limit %(limit)s;

-- name: find_generation
select
    generation.*, course.slug, course.title,
    spending.calls as spent_calls, spending.tokens as spent_tokens, spending.money as spent_money
from coursegen.generations generation
join courses course on course.id = generation.course_id
left join coursegen.spending spending on spending.generation_id = generation.id
where generation.id = %(generation_id)s;

-- name: list_attempts
select stage::text, fence, job_id, worker, started_at, finished_at, outcome::text, error
from coursegen.attempts
where generation_id = %(generation_id)s
order by id;

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

-- name: inspect_server
-- The server's version, clock and connections, the workers, and the work that waits. Of webhooks: how many generations have
-- a pending delivery, and for how many seconds the most overdue of these has been due; one that waits for a busy sender
-- of its user or host is not overdue.
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
    extract(epoch from now() - min(due_at) filter (where senders_of_user + senders_of_host = 0)) as overdue_s
from coursegen.list_webhook_heads_v1();

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
-- How many active generations have made no progress for so long, and for how long the longest. One that waits for its owner,
-- or that is paused, is not among them.
select count(*) as stuck, max(idle_s) as longest_s
from (
    select case when created_at <= now() - make_interval(secs => %(stuck_s)s) then coursegen.idle_s_v1(generation) end as idle_s
    from coursegen.generations generation
    where finished_at is null and status <> 'awaiting_approval' and paused_until is null
) active
where idle_s >= %(stuck_s)s;
