-- name: add_model
-- A course whose progress all others get.
insert into courses (id, user_id, slug, title, generation_progress)
values (%(id)s, %(id)s, %(slug)s, %(title)s, %(progress)s);

-- name: complete_step
-- The step of the course is completed, and the steps are made where there are none.
select update_course_progress(%(course)s, %(step)s, 'completed', %(message)s);

-- name: remove_model
-- Returns its progress.
delete from courses where id = %s returning generation_progress;

-- name: add_courses
-- Courses 1 to %(count)s with the same progress; each has its own user, whose id is the course's.
insert into courses (
    id, user_id, slug, title, course_description, language, generation_progress, status, last_progress_update
)
select
    md5(n::text)::uuid, md5(n::text)::uuid, 'crowd-' || n, %(title)s, repeat(%(title)s, 5), 'ru', %(progress)s,
    %(status)s, now()
from generate_series(1, %(count)s) n;

-- name: add_finished
-- One completed generation of each of the courses 1 to %(count)s; ids and times grow together.
insert into coursegen.generations (
    id, course_id, user_id, tier, priority, stage, status, source, created_at, started_at, finished_at
)
select
    ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, md5(n::text)::uuid, md5(n::text)::uuid, 'FREE', 1,
    'FINALIZATION', 'completed', 'http', finished_at - interval '2 min', finished_at - interval '1 min', finished_at
from
    generate_series(1, %(count)s) n,
    lateral (select now() - make_interval(secs => 30 * (%(count)s - n)) as finished_at) times;

-- name: add_queued
-- One waiting generation of each of the courses 1 to %(count)s, with its job; one in five has a high priority.
with waiting as (
    insert into coursegen.generations (id, course_id, user_id, tier, priority, user_slot, system_slot, stage, source)
    select
        ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, md5(n::text)::uuid, md5(n::text)::uuid,
        case when n %% 5 = 0 then 'PREMIUM' else 'FREE' end::coursegen.tier, case when n %% 5 = 0 then 10 else 1 end,
        1, n, 'DOCUMENT_PROCESSING', 'http'
    from generate_series(1, %(count)s) n
    returning id, user_id, priority
)
insert into procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
select
    %(queue)s, %(task)s, priority, id::text,
    jsonb_build_object('generation_id', id, 'user_id', user_id, 'request_id', null, 'fence', 1)
from waiting;
