-- name: find_course_by_slug
-- The course of that slug, the caller's own first where a slug is not unique.
select
    course.id,
    course.user_id,
    course.slug,
    course.status::text as status,
    course_generation_status(course) as generation_status,
    course.generation_progress,
    course.created_at,
    course.updated_at,
    (active.id is not null) as active,
    extract(epoch from now() - course.created_at) as age_s,
    extract(epoch from now() - greatest(course.last_progress_update, active.created_at)) as quiet_s
from courses course
left join generations active on active.course_id = course.id and active.status in ('queued', 'running')
where course.slug = %(slug)s
order by (course.user_id = %(user_id)s) desc
limit 1;
