-- name: find_courses
-- The courses that were asked for and exist, with their owner and their active generation, if any. `wait_s`: how long the
-- asking owner must wait before another start, if the course could start and a limit was given. As JSON, since an array is
-- planned by its length at every call. This plan is made once and looks up one course after the other in the index.
-- With each, the limits that are in force and whether admissions are paused: for an early refusal, since the admitting
-- statement reads them again.
select
    asked.n,
    course.user_id,
    course.active_generation,
    case
        when course.user_id = asked.user_id and course.active_generation is null and asked.per_minute is not null
        then coursegen.rate_wait_v1(asked.user_id, asked.per_minute)
    end as wait_s,
    (select t.slots from coursegen.tiers t where t.tier = asked.tier) as user_limit,
    (select coursegen.limit_in_force_v1(%(limit)s)) as system_limit,
    exists (select from coursegen.controls c where c.name = 'admissions') as is_paused
from jsonb_to_recordset(%(asked)s) asked (n int, course_id uuid, user_id uuid, tier coursegen.tier, per_minute int)
cross join lateral (
    select
        user_id,
        (
            select g.id from coursegen.generations g where g.course_id = courses.id and g.finished_at is null
        ) as active_generation
    from courses
    where id = asked.course_id
    offset 0
) course;

-- name: find_keys
-- What these keys of users started within the last day.
select asked.n, kept.fingerprint, kept.generation_id
from jsonb_to_recordset(%(keys)s) as asked (n int, user_id uuid, key text)
join coursegen.idempotency_keys kept on kept.user_id = asked.user_id and kept.key = asked.key
where kept.created_at > now() - interval '1 day';

-- name: find_limits
select t.slots as "user", coursegen.limit_in_force_v1(%(limit)s) as system
from coursegen.tiers t
where t.tier = %(tier)s::coursegen.tier;

-- name: admit_generations
select * from coursegen.admit_generations_v2(%(requests)s, %(wait)s);

-- name: find_user_tier
select coursegen.user_tier(%(user_id)s) as tier;
