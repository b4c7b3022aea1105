-- name: lock_course_of_generation
-- The generation's course, locked before the generation itself, as every transaction does.
select course.id
from courses course
where course.id = (select course_id from generations where id = %(generation_id)s)
for no key update;

-- name: lock_course_to_begin
-- The same, with what a stage is to know of the course. Only texts are taken out of its JSON: the rest of it may hold
-- what no reader of JSON but PostgreSQL takes.
select
    jsonb_build_object(
        'id', course.id,
        'title', course.title,
        'language', course.language,
        'style', course.style,
        'course_description', course.course_description,
        'target_audience', course.target_audience,
        'difficulty', course.difficulty,
        'lesson_duration_minutes', course.lesson_duration_minutes,
        'learning_outcomes',
            jsonb_path_query_array(to_jsonb(course.learning_outcomes), '$[*] ? (@.type() == "string")'),
        'estimated_lessons', course.estimated_lessons,
        'estimated_sections', course.estimated_sections,
        'content_strategy', course.content_strategy,
        'output_formats', jsonb_path_query_array(to_jsonb(course.output_formats), '$[*] ? (@.type() == "string")'),
        'files', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', file ->> 'id', 'name', file ->> 'name', 'path', file ->> 'path', 'mime_type', file ->> 'mime_type'
            ) order by position), '[]')
            from jsonb_array_elements(
                case when jsonb_typeof(course.generation_progress -> 'files') = 'array'
                    then course.generation_progress -> 'files'
                    else '[]'
                end
            ) with ordinality as files (file, position)
        )
    ) as course,
    coalesce(course.generation_progress #>> '{steps,0,status}' = 'completed', false) as admitted
from courses course
where course.id = (select course_id from generations where id = %(generation_id)s)
for no key update;

-- name: lock_generation
-- The generation as it stands, locked.
select id, course_id, user_id, tier::text, priority, stage::text, fence, status::text,
    webhook_url is not null as has_webhook,
    exists (select from courses where courses.id = course_id and courses.user_id = generations.user_id) as owned
from generations
where id = %(generation_id)s
for no key update;

-- name: pass_fence
-- The generation, if this run still holds it: locked, active, at this stage, under this fence, its course not given away.
select id, course_id, user_id, priority, webhook_url is not null as has_webhook
from generations
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status = 'running'
    and exists (select from courses where courses.id = course_id and courses.user_id = generations.user_id)
for no key update;

-- name: close_own_attempts
-- A job that runs again under its own row was interrupted, not lost: its owner lived to queue it again.
update stage_attempts
set outcome = 'interrupted', finished_at = now()
where job_id = %(job_id)s and outcome is null;

-- name: count_starts
-- Starts of the stage that count against its limit: those that went wrong, and those that ended in silence.
select count(*) as starts
from stage_attempts
where generation_id = %(generation_id)s and stage = %(stage)s
    and (outcome in ('failed', 'timeout', 'died') or outcome is null);

-- name: insert_attempt
insert into stage_attempts (generation_id, stage, fence, job_id, worker)
values (%(generation_id)s, %(stage)s, %(fence)s, %(job_id)s, %(worker)s)
returning id;

-- name: finish_attempt
-- The run itself says how it ended: a start that was presumed dead was not.
update stage_attempts
set outcome = %(outcome)s, error = %(error)s, finished_at = now()
where id = %(attempt_id)s and (outcome is null or outcome = 'died');

-- name: mark_running
update generations
set status = 'running', started_at = coalesce(started_at, now())
where id = %(generation_id)s and status in ('queued', 'running');

-- name: change_step
-- The course's step and status move together.
select
    update_course_progress(
        %(course_id)s, %(step)s, %(status)s, %(message)s, %(error)s, %(details)s, %(metadata)s
    ) as progress,
    case when %(course_status)s::text is not null then set_course_status(%(course_id)s, %(course_status)s) end;

-- name: advance_stage
-- The generation goes on to its next stage.
update generations
set stage = %(next_stage)s
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status = 'running'
returning id;

-- name: raise_fence
-- The stage is handed to a new run; whatever still runs under the old fence may write no more.
update generations
set fence = fence + 1
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status in ('queued', 'running')
returning fence;

-- name: complete_generation
update generations
set status = 'completed', finished_at = now()
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status = 'running'
returning id;

-- name: fail_generation
update generations
set status = 'failed', finished_at = now(), error_message = %(message)s, error_details = %(details)s
where id = %(generation_id)s and stage = %(stage)s and fence = %(fence)s and status in ('queued', 'running')
returning id, webhook_url is not null as has_webhook;

-- name: fail_course
update courses set error_message = %(message)s, error_details = %(details)s where id = %(course_id)s;

-- name: insert_stage_result
-- The guard of "once": a second set of results for the stage violates the key.
insert into stage_results (generation_id, stage, attempt_id)
values (%(generation_id)s, %(stage)s, %(attempt_id)s);

-- name: count_lessons
-- How many lessons there are, and how many are done.
update courses
set
    generation_progress = generation_progress
        || jsonb_build_object('lessons_completed', %(completed)s::int, 'lessons_total', %(total)s::int),
    last_progress_update = now(),
    updated_at = now()
where id = %(course_id)s and jsonb_typeof(generation_progress) = 'object';

-- name: touch_course
-- The stage makes progress, though no step changes.
update courses set last_progress_update = now(), updated_at = now() where id = %(course_id)s;

-- name: schedule_time
-- A time by the database's clock, the only one the queue goes by.
select now() + make_interval(secs => %(seconds)s) as at;

-- name: find_if_active
select 1 as found from generations where id = %(generation_id)s and status in ('queued', 'running');

-- name: find_disowned
-- The course of an active generation whose owner has changed since it was admitted.
select course.id
from generations generation
join courses course on course.id = generation.course_id
where generation.id = %(generation_id)s and generation.status in ('queued', 'running')
    and course.user_id <> generation.user_id;
