-- name: list_generations
-- The latest generations, of one status or all.
select
    generation.id, generation.status::text, generation.stage::text, generation.tier::text, course.slug,
    generation.user_id, generation.created_at, generation.started_at, generation.finished_at, generation.error_message
from generations generation
join courses course on course.id = generation.course_id
where (%(status)s::text is null or generation.status = %(status)s::generation_state)
    and generation.created_at >= now() - make_interval(secs => %(seconds)s)
order by generation.created_at desc
limit %(limit)s;

-- name: find_generation
select generation.*, course.slug, course.title
from generations generation
join courses course on course.id = generation.course_id
where generation.id = %(generation_id)s;

-- name: list_attempts
select stage::text, fence, job_id, worker, started_at, finished_at, outcome::text, error
from stage_attempts
where generation_id = %(generation_id)s
order by id;

-- name: list_events
-- The latest events, of one type or all.
select "timestamp", event_type::text, severity::text, user_id, course_id, job_id, metadata
from system_metrics
where (%(event_type)s::text is null or event_type = %(event_type)s::metric_event_type)
    and "timestamp" >= now() - make_interval(secs => %(seconds)s)
order by "timestamp" desc
limit %(limit)s;

-- name: look_around
-- What a doctor wants to know of the server in one read.
select
    current_setting('server_version_num')::int as version,
    extract(epoch from clock_timestamp()) as clock,
    current_setting('max_connections')::int as max_connections,
    (select count(*) from pg_stat_activity) as connections,
    (select count(*) from procrastinate_workers where last_heartbeat > now() - make_interval(secs => %(stalled)s))
        as workers,
    (select count(*) from procrastinate_jobs where queue_name = 'stages' and status = 'todo') as waiting,
    (select extract(epoch from now() - min(created_at)) from generations where status = 'queued') as oldest_s;
