-- name: find_courses
-- Those of the courses that exist, with their owner and their active generation, if any. An array's length would have
-- the plan made anew for every call; this one is made once, and goes by the index from course to course.
select course.id, course.user_id, course.active_generation
from jsonb_array_elements_text(%(course_ids)s) asked (id)
cross join lateral (
    select
        id,
        user_id,
        (select id from coursegen.generations where course_id = courses.id and status in ('queued', 'running')) as active_generation
    from courses
    where id = asked.id::uuid
    offset 0
) course;

-- name: lock_course
-- The lock every transaction on a course takes first.
select id, user_id from courses where id = %(course_id)s for no key update;

-- name: start_generations
-- Of each order its generation, admitted and holding two slots, its course, started (fresh progress with the first step
-- completed, its status, its times), and its first job, deferred; or none of it, where the course is not the user's, has
-- an active generation or is locked by another transaction, or where a number is taken. One statement, so that nothing
-- but this needs a transaction, and none of its orders waits for the course of another: whoever has to wait for one
-- locks it before. Courses are locked first and looked at under the lock, as all transactions do.
with asked as materialized (
    select *
    from jsonb_to_recordset(%(orders)s) as asked (
        id uuid, course_id uuid, user_id uuid, tier coursegen.tier, priority integer, user_slot integer,
        system_slot integer, source text, webhook_url text, request_id text, idempotency_key text, retry_of uuid,
        metadata jsonb, args jsonb, stage_with_documents coursegen.stage, stage_without_documents coursegen.stage,
        task_with_documents text, task_without_documents text
    )
),
course as materialized (
    select
        asked.*,
        found.files_malformed,
        case when found.has_documents then stage_with_documents else stage_without_documents end as stage,
        case when found.has_documents then task_with_documents else task_without_documents end as task
    from asked
    cross join lateral (
        select
            coursegen.has_documents(generation_progress) as has_documents,
            coalesce(
                jsonb_typeof(generation_progress) <> 'object'
                or jsonb_typeof(generation_progress -> 'files') not in ('array', 'null'),
                false
            ) as files_malformed
        from courses
        where courses.id = asked.course_id and courses.user_id = asked.user_id
        for no key update skip locked
    ) found
),
admitted as (
    insert into coursegen.generations (
        id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source, webhook_url, request_id,
        idempotency_key, retry_of
    )
    select
        id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source, webhook_url, request_id,
        idempotency_key, retry_of
    from course
    on conflict do nothing
    returning id
),
started as materialized (
    select
        id,
        files_malformed,
        coursegen.start_course_progress(course_id, %(message)s, metadata) is not null as moved,
        row(%(queue)s, task, priority, null, id::text, args, null)::procrastinate_job_to_defer_v1 as job
    from admitted
    join course using (id)
),
deferred as materialized (
    select procrastinate_defer_jobs_v1(array_agg(job)) as jobs from started having count(*) > 0
)
select started.id, started.files_malformed from started cross join deferred;

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
            select from coursegen.generations
            where user_id = %(user_id)s and user_slot = n and status in ('queued', 'running')
        )
        limit 1
    ) end as user_slot,
    case when everyone.active < %(system_limit)s then (
        select n
        from generate_series(1, everyone.active + 1) n
        where n <= %(system_limit)s
            and not exists (select from coursegen.generations where system_slot = n and status in ('queued', 'running'))
        limit 1
    ) end as system_slot
from
    (select count(*) as active from coursegen.generations
        where user_id = %(user_id)s and status in ('queued', 'running')) mine,
    (select count(*) as active from coursegen.generations where status in ('queued', 'running')) everyone;

-- name: generation_exists
select 1 as found from coursegen.generations where id = %(id)s;

-- name: find_active_generation
select id from coursegen.generations where course_id = %(course_id)s and status in ('queued', 'running');

-- name: count_active
-- How many generations are active: the user's and all.
select count(*) filter (where user_id = %(user_id)s) as user_active, count(*) as system_active
from coursegen.generations
where status in ('queued', 'running');
