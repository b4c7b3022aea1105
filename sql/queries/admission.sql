-- name: find_course
-- The course, its owner and its active generation, if any.
select course.user_id, active.id as active_generation
from courses course
left join generations active on active.course_id = course.id and active.status in ('queued', 'running')
where course.id = %(course_id)s;

-- name: lock_course
-- The owner and whether there are documents, under the lock every transaction on a course takes first.
select
    user_id,
    case when jsonb_typeof(generation_progress -> 'files') = 'array'
        then jsonb_array_length(generation_progress -> 'files') > 0
        else false
    end as has_documents,
    coalesce(
        jsonb_typeof(generation_progress) <> 'object'
        or jsonb_typeof(generation_progress -> 'files') not in ('array', 'null'),
        false
    ) as files_malformed
from courses
where id = %(course_id)s
for no key update;

-- name: start_generation
-- The admitted generation, holding its two slots, and its course started: fresh progress with the first step completed,
-- its status, its times.
with admitted as (
    insert into generations (
        id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source, webhook_url, request_id,
        idempotency_key, retry_of
    ) values (
        %(id)s, %(course_id)s, %(user_id)s, %(tier)s, %(priority)s, %(user_slot)s, %(system_slot)s, %(stage)s,
        %(source)s, %(webhook_url)s, %(request_id)s, %(idempotency_key)s, %(retry_of)s
    )
    returning course_id
)
select
    reset_course_progress(course_id),
    update_course_progress(course_id, %(step)s, 'completed', %(message)s, null, null, %(metadata)s),
    set_course_status(course_id, %(status)s)
from admitted;

-- name: lock_slot_picking
-- One at a time where numbers are picked here rather than by Redis. Held to the end of the transaction.
select pg_advisory_xact_lock(hashtext('generations'), hashtext('slots'));

-- name: pick_slots
-- The lowest free number of the user and of the system (null: none free), and how many are active.
select
    mine.active as user_active,
    everyone.active as system_active,
    case when mine.active < %(user_limit)s then (
        select n
        from generate_series(1, %(user_limit)s::bigint) n
        where not exists (
            select from generations
            where user_id = %(user_id)s and user_slot = n and status in ('queued', 'running')
        )
        limit 1
    ) end as user_slot,
    case when everyone.active < %(system_limit)s then (
        select n
        from generate_series(1, everyone.active + 1) n
        where n <= %(system_limit)s
            and not exists (select from generations where system_slot = n and status in ('queued', 'running'))
        limit 1
    ) end as system_slot
from
    (select count(*) as active from generations
        where user_id = %(user_id)s and status in ('queued', 'running')) mine,
    (select count(*) as active from generations where status in ('queued', 'running')) everyone;

-- name: generation_exists
select 1 as found from generations where id = %(id)s;

-- name: find_active_generation
select id from generations where course_id = %(course_id)s and status in ('queued', 'running');

-- name: count_active
-- How many generations are active: the user's and all.
select count(*) filter (where user_id = %(user_id)s) as user_active, count(*) as system_active
from generations
where status in ('queued', 'running');
