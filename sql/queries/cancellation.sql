-- name: cancel_generation
-- The course's active generation, final from here on; none when there is no such.
update coursegen.generations
set status = 'cancelled', finished_at = now()
where course_id = %(course_id)s and status in ('queued', 'running')
returning id, user_id, stage::text, webhook_url is not null as has_webhook;

-- name: list_jobs
-- The generation's jobs that wait or run.
select id from procrastinate_jobs where queueing_lock = %(generation_id)s::text and status = 'todo'
union
select job_id from coursegen.attempts where generation_id = %(generation_id)s and outcome is null;
