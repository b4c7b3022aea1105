-- name: fill_courses
-- Courses 1 to %(courses)s of a tenth as many users, all with the same progress; `md5(number)` is a course's id.
insert into courses (id, user_id, slug, title, course_description, language, generation_progress, last_progress_update)
select
    md5(n::text)::uuid, md5('user ' || n %% (%(courses)s / 10 + 1))::uuid, 'course-' || n,
    (array['Охрана труда', 'Основы бухгалтерии', 'Работа с возражениями', 'Onboarding', 'Пожарная безопасность'])[1 + n %% 5]
        || ' ' || n,
    'Курс для новых сотрудников', 'ru', %(progress)s, now() - interval '2 h'
from generate_series(1, %(courses)s) n;

-- name: fill_generations
-- Generations over 90 days, the newest active, of every course in turn. Of a hundred six failed and three were cancelled;
-- one in a thousand is of the tier TRIAL. Ids grow with time.
insert into coursegen.generations (
    id, course_id, user_id, tier, priority, user_slot, system_slot, stage, status, source, webhook_url, request_id,
    ended_by, error_message, created_at, started_at, finished_at
)
select
    ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, md5(course::text)::uuid,
    md5('user ' || course %% (%(courses)s / 10 + 1))::uuid,
    case when n %% 1000 = 7 then 'TRIAL' else (array['FREE', 'BASIC', 'STANDARD', 'PREMIUM'])[1 + n %% 4] end::coursegen.tier,
    5, case when is_active then 1 + %(generations)s - n end, case when is_active then 1 + %(generations)s - n end,
    case when status in ('failed', 'cancelled') then (enum_range(null::coursegen.stage))[1 + n %% 5] else 'FINALIZATION' end,
    status::coursegen.generation_status, 'http', case when n %% 5 = 0 then 'https://example.com/hook' end,
    md5('request ' || n), case when is_active then null else 'worker' end,
    case when status = 'failed' then 'Не удалось обработать документ ' || n end,
    at, at + interval '3 s', case when not is_active then at + make_interval(secs => 60 + n %% 500) end
from (
    select
        n, 1 + n %% %(courses)s as course, n > %(generations)s - %(active)s as is_active,
        case
            when n > %(generations)s - %(active)s then 'running'
            when n %% 100 < 6 then 'failed'
            when n %% 100 < 9 then 'cancelled'
            else 'completed'
        end as status,
        now() - interval '10 min' - (%(generations)s - n) * (interval '90 days' / %(generations)s) as at
    from generate_series(1, %(generations)s) n
) every;

-- name: fill_attempts
-- The starts of each generation's stages: four of one that ended, some of which failed or took too long.
insert into coursegen.attempts (generation_id, stage, fence, job_id, worker, started_at, finished_at, outcome, error)
select
    generation.id, began.stage, 1, row_number() over (), 'worker-' || began.stage::text, generation.started_at,
    generation.finished_at,
    case
        when generation.finished_at is null then null
        when began.stage = generation.stage and generation.status = 'failed' then 'failed'
        when began.stage = 'TEXT_GENERATION' and generation.request_id like '%%00' then 'timeout'
        else 'completed'
    end::coursegen.attempt_outcome,
    case
        when began.stage = generation.stage and generation.status = 'failed'
            then 'pipeline.contract.StageFailed: The provider answered 500 to request ' || md5(generation.id::text)
    end
from coursegen.generations generation
cross join unnest(array['DOCUMENT_PROCESSING', 'STRUCTURE_GENERATION', 'TEXT_GENERATION', 'FINALIZATION']::coursegen.stage[]) began (stage)
where generation.finished_at is not null or began.stage = 'DOCUMENT_PROCESSING';

-- name: fill_events
-- Events over 90 days, of the generations of their time: refusals, which name no generation, and now and then one of another
-- type. One in 100,000 is rare.
insert into system_metrics (id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
select
    ('01900000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, kind::metric_event_type,
    case kind when 'worker_timeout' then 'error' when 'rpc_retry_exhausted' then 'fatal' else 'warn' end::metric_severity,
    md5('user ' || course %% (%(courses)s / 10 + 1))::uuid, md5(course::text)::uuid,
    case when kind <> 'concurrency_limit_hit' then '01900000-0000-7000-8000-' || lpad(to_hex(generation), 12, '0') end,
    case kind
        when 'concurrency_limit_hit' then '{"tier": "FREE", "limit": "user", "count": 3}'
        else '{"stage": "TEXT_GENERATION", "request_id": null}'
    end::jsonb,
    now() - (%(events)s - n) * (interval '90 days' / %(events)s)
from (
    select
        n, 1 + n / 5 as generation, 1 + (1 + n / 5) %% %(courses)s as course,
        case
            when n %% 100000 = 1 then 'rpc_retry_exhausted'
            when n %% 100 < 70 then 'concurrency_limit_hit'
            when n %% 100 < 85 then 'worker_timeout'
            when n %% 100 < 95 then 'job_rollback'
            else 'orphaned_job_recovery'
        end as kind
    from generate_series(1, %(events)s) n
) every;

-- name: fill_own_events
-- Events of a type that the platform's own do not have.
insert into coursegen.events (id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
select id, 'document_reader_failed', 'warn', user_id, course_id, job_id, '{"format": "pdf"}', "timestamp"
from system_metrics where event_type = 'orphaned_job_recovery' and course_id::text like '%%0';

-- name: fill_deliveries
-- The last webhook of each generation that has one; a hundredth was given up, and the newest wait.
insert into coursegen.webhook_deliveries (
    generation_id, seq, status, step, percentage, message, created_at, state, failures, due_at, finished_at
)
select
    id, 1, status::text, 5, 100, 'Готово', finished_at,
    case when is_new then 'pending' when id::text like '%%00' then 'given_up' else 'delivered' end::coursegen.webhook_delivery_state,
    case when id::text like '%%00' then 9 else 0 end, finished_at, case when not is_new then finished_at end
from (
    select *, finished_at > now() - interval '3 min' as is_new
    from coursegen.generations where webhook_url is not null and finished_at is not null
) every;

-- name: fill_jobs
-- A waiting job of every active generation.
insert into procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
select %(queue)s, %(task)s, priority, id::text, jsonb_build_object('generation_id', id, 'user_id', user_id)
from coursegen.generations where finished_at is null;

-- name: trust_rows
-- No trigger and no foreign key is checked in this session.
set session_replication_role = replica;

-- name: find_one_of_each
-- What filters name: a generation that failed, its course, user and request, and a later generation.
select generation.id, course.id, course.slug, generation.user_id, generation.request_id, later.id
from coursegen.generations generation
join courses course on course.id = generation.course_id
cross join lateral (
    select id from coursegen.generations where created_at > generation.created_at order by created_at limit 1
) later
where generation.status = 'failed'
order by generation.created_at desc
limit 1;
