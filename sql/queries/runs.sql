-- name: lock_course_of_generation
-- The generation's course, locked before the generation itself, as every transaction does.
select course.id
from courses course
where course.id = (select course_id from coursegen.generations where id = %(generation_id)s)
for no key update;

-- name: lock_generation
-- The generation as it stands, locked.
select id, course_id, user_id, tier::text, priority, stage::text, fence, status::text,
    webhook_url is not null as has_webhook,
    exists (select from courses where courses.id = course_id and courses.user_id = generations.user_id) as owned
from coursegen.generations
where id = %(generation_id)s
for no key update;

-- name: begin_stage
select *
from coursegen.begin_stage(
    %(generation_id)s, %(stage)s, %(fence)s, %(job_id)s, %(worker)s, %(most_starts)s, %(next_step)s,
    %(next_message)s, %(next_status)s, %(first_step)s, %(first_message)s, %(needs)s, %(alone)s
);

-- name: complete_stage
-- The columns of the job are those that the queue's own fetch has.
select job_ended, (taken).id, (taken).status, (taken).task_name, (taken).priority, (taken).lock, (taken).queueing_lock,
    (taken).args, (taken).scheduled_at, (taken).queue_name, (taken).attempts, (taken).worker_id,
    attempt_id, course, documents, brief, outline, drafts
from coursegen.complete_stage(
    %(generation_id)s, %(stage)s, %(fence)s, %(attempt_id)s, %(job_id)s, %(step)s, %(message)s, %(next_stage)s, %(task)s,
    %(queue)s, %(priority)s, %(args)s, %(result)s, %(lessons_completed)s, %(lessons_total)s, %(queues)s, %(worker_id)s,
    %(worker)s, %(next_step)s, %(next_message)s, %(next_status)s, %(needs)s
);

-- name: pass_fence
-- The generation, if this run still holds it: locked, active, at this stage, under this fence, its course not given away.
select id, course_id, user_id, priority, webhook_url is not null as has_webhook
from coursegen.generations
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status = 'running'
    and exists (select from courses where courses.id = course_id and courses.user_id = generations.user_id)
for no key update;

-- name: count_starts
-- Starts of the stage that count against its limit: those that went wrong, and those that ended in silence.
select count(*) as starts
from coursegen.attempts
where generation_id = %(generation_id)s and stage = %(stage)s
    and (outcome in ('failed', 'timeout', 'died') or outcome is null);

-- name: finish_attempt
-- The run itself says how it ended: a start that was presumed dead was not.
update coursegen.attempts
set outcome = %(outcome)s, error = %(error)s, finished_at = now()
where id = %(attempt_id)s and (outcome is null or outcome = 'died');

-- name: change_step
-- The course's step and status move together.
select
    update_course_progress(%(course_id)s, %(step)s, %(status)s, %(message)s, %(error)s, %(details)s) as progress,
    case when %(course_status)s::text is not null then coursegen.set_course_status(%(course_id)s, %(course_status)s) end;

-- name: raise_fence
-- The stage is handed to a new run; whatever still runs under the old fence may write no more.
update coursegen.generations
set fence = fence + 1
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status in ('queued', 'running')
returning fence;

-- name: fail_generation
update coursegen.generations
set status = 'failed', finished_at = now(), error_message = %(message)s, error_details = %(details)s
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status in ('queued', 'running')
returning id, webhook_url is not null as has_webhook;

-- name: fail_course
update courses set error_message = %(message)s, error_details = %(details)s where id = %(course_id)s;

-- name: count_lessons
select coursegen.count_course_lessons(%(course_id)s, %(completed)s, %(total)s);

-- name: touch_course
-- The stage makes progress, though no step changes.
update courses set last_progress_update = now(), updated_at = now() where id = %(course_id)s;

-- name: schedule_time
-- A time by the database's clock, the only one the queue goes by.
select now() + make_interval(secs => %(seconds)s) as at;

-- name: find_if_active
select 1 as found from coursegen.generations where id = %(generation_id)s and status in ('queued', 'running');

-- name: find_disowned
-- The course of an active generation whose owner has changed since it was admitted.
select course.id
from coursegen.generations generation
join courses course on course.id = generation.course_id
where generation.id = %(generation_id)s and generation.status in ('queued', 'running')
    and course.user_id <> generation.user_id;
