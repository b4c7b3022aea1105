-- name: poll_course
select * from coursegen.poll_course_v1(
    %(slug)s, %(id)s, %(user_id)s, %(known)s, %(stuck_s)s, %(stalled_s)s
);

-- name: poll_courses
-- The courses of these ids that exist.
select polled.*
from unnest(%(ids)s::uuid[]) watched (id),
    coursegen.poll_course_v1(null, watched.id, null, '{}', %(stuck_s)s, %(stalled_s)s) polled
where polled.outcome <> 'not_found';
