-- name: find_course_ids
-- The courses of that id or slug; if there is none, those with that in their title.
with exact as (
    select id from courses where id = %(id)s::uuid or slug = %(name)s
)
select id from exact
union all
select id from courses
where %(by_title)s and not exists (select from exact) and strpos(lower(title), lower(%(name)s)) > 0
limit %(limit)s;

-- name: search_generations
-- The ids of the generations that match, the newest first, after one of them. A filter that is null matches all. `active`
-- and `is_rare` follow from other filters, and name indexes; so do the arrays.
select generation.id
from coursegen.generations generation
where (%(id)s::uuid is null or generation.id = %(id)s)
    and (%(status)s::coursegen.generation_status is null or generation.status = %(status)s::coursegen.generation_status)
    and (not %(active)s or generation.finished_at is null)
    and (%(tier)s::coursegen.tier is null or generation.tier = %(tier)s::coursegen.tier)
    and (%(stage)s::coursegen.stage is null or generation.stage = %(stage)s::coursegen.stage)
    and (%(user_id)s::uuid is null or generation.user_id = %(user_id)s)
    and (%(courses)s::uuid[] is null or generation.course_id = any(%(courses)s))
    and (%(request_id)s::text is null or generation.request_id = %(request_id)s)
    and (%(since)s::timestamptz is null or generation.created_at >= %(since)s)
    and (%(until)s::timestamptz is null or generation.created_at < %(until)s)
    and (%(error)s::text is null or generation.id = any(array(
        select failed.id from coursegen.generations failed
        where failed.status in ('failed', 'cancelled') and strpos(lower(failed.error_message), lower(%(error)s)) > 0
        union all
        select attempt.generation_id from coursegen.attempts attempt
        where attempt.error is not null and strpos(lower(attempt.error), lower(%(error)s)) > 0
    )))
    and (not %(is_rare)s or generation.course_id = any(array(
        select course_id from system_metrics
        where event_type = coursegen.event_type_named_v1(%(event)s)
        union
        select course_id from coursegen.events where event_type = %(event)s
    )))
    and (%(ended)s::timestamptz is null or generation.finished_at >= %(ended)s)
    and (%(cause)s::text is null or (
        generation.status = 'failed' and (select id from coursegen.failure_cause_v1(generation)) = %(cause)s
    ))
    and (%(event)s::text is null or exists (
        select from system_metrics event
        where event.course_id = generation.course_id and event.event_type::text = %(event)s
            and (event.job_id is null or event.job_id = generation.id::text)
    ) or exists (
        select from coursegen.events event
        where event.course_id = generation.course_id and event.event_type = %(event)s
            and (event.job_id is null or event.job_id = generation.id::text)
    ))
    and (%(stuck_s)s::float is null or (
        generation.finished_at is null and generation.created_at <= now() - make_interval(secs => %(stuck_s)s)
        and coursegen.idle_s_v1(generation) >= %(stuck_s)s
    ))
    and (%(after_at)s::timestamptz is null or (generation.created_at, generation.id) < (%(after_at)s, %(after_id)s::uuid))
order by generation.created_at desc, generation.id desc
limit %(limit)s;

-- name: list_generations_by_id
-- Texts are cut: users write titles of any length.
select
    generation.id, generation.status::text, generation.stage::text, generation.tier::text, generation.user_id,
    generation.course_id, course.slug, left(course.title, 200) as title, generation.request_id, generation.created_at,
    generation.started_at, generation.finished_at, left(generation.error_message, 200) as error_message,
    generation.paused_why, coursegen.idle_s_v1(generation) as idle_s
from coursegen.generations generation
join courses course on course.id = generation.course_id
where generation.id = any(%(ids)s)
order by generation.created_at desc, generation.id desc;

-- name: count_events_of_type
-- How many events there are of that type, up to a limit.
select count(*) as events
from (
    select from system_metrics
    where event_type = coursegen.event_type_named_v1(%(event)s)
    union all
    select from coursegen.events where event_type = %(event)s
    limit %(limit)s
) event;

-- name: find_generation_place
select created_at, id from coursegen.generations where id = %(id)s;

-- name: show_generation
-- One generation with its course's progress, and how it is linked with others.
select
    generation.*, generation.status::text as status, generation.stage::text as stage, generation.tier::text as tier,
    course.slug, course.title, course.generation_progress as progress, course.last_progress_update,
    coursegen.idle_s_v1(generation) as idle_s, coursegen.shown_status_v1(course.id) as shown_status,
    (select other.id from coursegen.generations other where other.retry_of = generation.id limit 1) as retried_as,
    (
        select count(*) from coursegen.generations ahead
        where ahead.course_id = generation.course_id and ahead.created_at > generation.created_at
    ) as later
from coursegen.generations generation
join courses course on course.id = generation.course_id
where generation.id = %(generation_id)s;

-- name: list_generation_attempts
select id, stage::text, fence, worker, started_at, finished_at, outcome::text, error,
    extract(epoch from coalesce(finished_at, now()) - started_at)::float as took_s
from coursegen.attempts
where generation_id = %(generation_id)s
order by id
limit %(limit)s;

-- name: list_generation_events
select "timestamp", event_type, severity::text, metadata
from (
    select "timestamp", event_type::text, severity, metadata, course_id, job_id from system_metrics
    union all
    select "timestamp", event_type, severity, metadata, course_id, job_id from coursegen.events
) event
where course_id = %(course_id)s and (job_id is null or job_id = %(generation_id)s::uuid::text)
order by "timestamp" desc
limit %(limit)s;

-- name: list_log_ends
-- The ends of the logs that the latest starts kept.
select log.attempt_id, right(log.lines, %(characters)s) as lines
from coursegen.attempts attempt
join coursegen.attempt_logs log on log.attempt_id = attempt.id
where attempt.generation_id = %(generation_id)s
order by attempt.id desc
limit 20;

-- name: count_generation_units
-- The finished parts of stages that this generation saved, and what each stage's cost.
select stage::text, count(*) as units, sum(calls) as calls, sum(tokens) as tokens, sum(money) as money, max(saved_at) as latest
from coursegen.units
where generation_id = %(generation_id)s
group by stage
order by stage;

-- name: find_spending
select calls, tokens, money from coursegen.spending where generation_id = %(generation_id)s;

-- name: list_outline
-- The lessons of a generation from one number on, and the beginning of what is written of each.
select
    section.number as section_number, section.title as section_title, lesson.number, lesson.title,
    length(coalesce(draft.body, stopped.body)) as length, left(coalesce(draft.body, stopped.body), %(characters)s) as text
from coursegen.lessons lesson
join coursegen.sections section
    on section.generation_id = lesson.generation_id and section.number = lesson.section_number
left join coursegen.drafts draft on draft.generation_id = lesson.generation_id and draft.lesson_number = lesson.number
left join coursegen.stopped_texts_v1(%(generation_id)s) stopped on stopped.lesson_number = lesson.number
where lesson.generation_id = %(generation_id)s and lesson.number >= %(number)s
order by lesson.number
limit %(limit)s;

-- name: list_recent_generations
-- The latest generations on which somebody may act.
select generation.id::text, generation.status::text, course.slug
from coursegen.generations generation
join courses course on course.id = generation.course_id
where generation.status <> 'completed'
order by generation.created_at desc
limit %(limit)s;
