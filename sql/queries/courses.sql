-- name: poll_courses
select polled.*
from jsonb_to_recordset(%(polls)s) poll (n int, slug text, id uuid, user_id uuid),
    coursegen.poll_course_v2(poll.slug, poll.id, poll.user_id, %(state)s, %(stuck_s)s, %(stalled_s)s) polled
order by poll.n;
