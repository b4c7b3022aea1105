-- name: find_course_status
-- The courses of these ids or, without them, the one of that slug, the caller's own where a slug is not unique. Of a queued
-- generation also how many of the stages' waiting jobs come before its own, in the order in which workers take them,
-- counted up to 100; of an active one, how long ago a worker last gave a sign of life. The limit and the queue stand here
-- rather than in parameters, so that one plan does for every poll: planning anew takes longer than the statement.
select
    course.id,
    course.user_id,
    course.slug,
    course.status::text as status,
    coursegen.course_generation_status(course) as generation_status,
    course.generation_progress,
    course.created_at,
    course.updated_at,
    (active.id is not null) as active,
    extract(epoch from now() - course.created_at) as age_s,
    extract(epoch from now() - greatest(course.last_progress_update, active.created_at)) as quiet_s,
    case when active.status = 'queued' then (
        select (
            select count(*) filter (where first.priority > own.priority or first.id < own.id)
            from (
                select job.priority, job.id
                from procrastinate_jobs job
                where job.status = 'todo' and job.queue_name = 'stages' and job.priority >= own.priority
                    and (job.scheduled_at is null or job.scheduled_at <= now())
                order by job.priority desc, job.id
                limit 100
            ) first
        )
        from procrastinate_jobs own
        where own.status = 'todo' and own.queueing_lock = active.id::text
    ) end as jobs_ahead,
    case when active.id is not null then (
        select extract(epoch from now() - max(last_heartbeat)) from procrastinate_workers
    ) end as heartbeat_age_s
from courses course
left join coursegen.generations active on active.course_id = course.id and active.finished_at is null
where course.id = any(coalesce(%(ids)s::uuid[], array(
    select id from courses where slug = %(slug)s order by (user_id = %(user_id)s) desc limit 1
)));
