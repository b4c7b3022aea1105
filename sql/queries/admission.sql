-- name: find_course
-- The course, its owner and its active generation, if any.
select course.user_id, active.id as active_generation
from courses course
left join generations active on active.course_id = course.id and active.status in ('queued', 'running')
where course.id = %(course_id)s;

-- name: lock_course
-- The lock every transaction on a course takes first.
select id from courses where id = %(course_id)s for no key update;

-- name: start_generation
-- The admitted generation, holding its two slots, its course started (fresh progress with the first step completed, its
-- status, its times) and its first job deferred, or none of it where the course is not the user's. One statement, so that
-- nothing but this needs a transaction. The course is locked first and looked at under the lock, as all transactions do.
with course as materialized (
    select
        id,
        user_id,
        case when public.has_documents(generation_progress)
            then %(stage_with_documents)s else %(stage_without_documents)s
        end::generation_stage as stage,
        case when public.has_documents(generation_progress)
            then %(task_with_documents)s else %(task_without_documents)s
        end as task,
        coalesce(
            jsonb_typeof(generation_progress) <> 'object'
            or jsonb_typeof(generation_progress -> 'files') not in ('array', 'null'),
            false
        ) as files_malformed
    from courses
    where id = %(course_id)s
    for no key update
),
admitted as (
    insert into generations (
        id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source, webhook_url, request_id,
        idempotency_key, retry_of
    )
    select
        %(id)s, id, user_id, %(tier)s, %(priority)s, %(user_slot)s, %(system_slot)s, stage, %(source)s, %(webhook_url)s,
        %(request_id)s, %(idempotency_key)s, %(retry_of)s
    from course
    where user_id = %(user_id)s
    returning course_id, priority
)
select course.user_id, course.files_malformed, started.*
from course
left join lateral (
    select
        reset_course_progress(course_id) is not null as blank,
        update_course_progress(course_id, %(step)s, 'completed', %(message)s, null, null, %(metadata)s) is not null as moved,
        set_course_status(course_id, %(status)s) as told,
        procrastinate_defer_jobs_v1(array[
            row(%(queue)s, course.task, priority, null, %(queueing_lock)s, %(args)s, null)::procrastinate_job_to_defer_v1
        ]) as jobs
    from admitted
) started on true;

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
