-- name: find_courses
-- The courses of these ids that exist, with their owner and their active generation, if any. As JSON, since an array is
-- planned by its length at every call. This plan is made once and looks up one course after the other in the index.
select course.id, course.user_id, course.active_generation
from jsonb_array_elements_text(%(course_ids)s) asked (id)
cross join lateral (
    select
        id,
        user_id,
        (
            select g.id from coursegen.generations g where g.course_id = courses.id and g.finished_at is null
        ) as active_generation
    from courses
    where id = asked.id::uuid
    offset 0
) course;

-- name: find_keys
-- What these keys of users started within the last day.
select asked.n, kept.fingerprint, kept.generation_id
from jsonb_to_recordset(%(keys)s) as asked (n int, user_id uuid, key text)
join coursegen.idempotency_keys kept on kept.user_id = asked.user_id and kept.key = asked.key
where kept.created_at > now() - interval '1 day';

-- name: admit_generations
select * from coursegen.admit_generations_v1(%(requests)s, %(wait)s);
