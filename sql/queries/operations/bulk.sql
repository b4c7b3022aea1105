-- name: judge_bulk_rows
-- The generations of these ids that are there, in this order. `why` says why the action does not apply, and is null where it does:
-- `moved` is one that matches the changing part of the filter (status, stage, time without progress) no more.
select
    generation.id,
    case
        when %(action)s = 'cancel' and generation.finished_at is not null then 'ended'
        when %(action)s = 'retry' and generation.status <> 'failed' then 'not_failed'
        when %(action)s = 'retry' and exists (
            select from coursegen.generations later
            where later.course_id = generation.course_id and later.created_at > generation.created_at
        ) then 'later'
        when %(action)s = 'resend' and not exists (
            select from coursegen.webhook_deliveries delivery
            where delivery.generation_id = generation.id and delivery.state <> 'delivered'
        ) then 'delivered'
        when generation.status <> %(status)s::coursegen.generation_status
            or generation.stage <> %(stage)s::coursegen.stage
            or %(stuck_s)s::float is not null and (
                generation.finished_at is not null or coursegen.idle_s_v1(generation) < %(stuck_s)s
            )
        then 'moved'
    end as why
from unnest(%(ids)s::uuid[]) with ordinality asked (id, position)
join coursegen.generations generation on generation.id = asked.id
order by asked.position;

-- name: insert_bulk_run
-- Runs of earlier weeks, and those of yesterday that nobody confirmed, are forgotten.
with old as (
    delete from coursegen.bulk_runs
    where prepared_at < now() - interval '30 days' or (prepared_at < now() - interval '1 day' and confirmed_at is null)
)
insert into coursegen.bulk_runs (id, action, filter, skipped, operator)
values (%(id)s, %(action)s, %(filter)s, %(skipped)s, %(operator)s);

-- name: insert_bulk_rows
insert into coursegen.bulk_rows (run_id, position, generation_id)
select %(id)s, position, generation_id from unnest(%(ids)s::uuid[]) with ordinality row (generation_id, position);

-- name: confirm_bulk_run
-- No row if it is confirmed already.
update coursegen.bulk_runs set confirmed_at = now(), operator = %(operator)s, reason = %(reason)s
where id = %(id)s and confirmed_at is null
returning action, filter, (select count(*) from coursegen.bulk_rows where run_id = %(id)s) as rows;

-- name: hold_bulk_run
-- No row if somebody else has the run, or if it is not confirmed or has ended.
update coursegen.bulk_runs set holder = %(holder)s, held_until = now() + make_interval(secs => %(hold_s)s)
where id = %(id)s and confirmed_at is not null and finished_at is null
    and (holder = %(holder)s or coalesce(held_until, '-infinity') < now())
returning action, filter, operator, reason;

-- name: release_bulk_run
update coursegen.bulk_runs set holder = null, held_until = null where id = %(id)s and holder = %(holder)s;

-- name: take_bulk_rows
-- The next rows without an outcome. `is_done`: a process that died acted on it and wrote no outcome; its audit says so.
select row.position, row.generation_id, exists (
    select from coursegen.audit change
    where change.generation_id in (
            select row.generation_id where run.action <> 'retry'
            union all
            select retry.id from coursegen.generations retry
            where retry.retry_of = row.generation_id and run.action = 'retry'
        )
        and change.action = run.action and change.at >= run.confirmed_at
        and change.actor = run.operator and change.reason is not distinct from run.reason
) as is_done
from coursegen.bulk_rows row
join coursegen.bulk_runs run on run.id = row.run_id
where row.run_id = %(id)s and row.outcome is null
order by row.position
limit %(limit)s;

-- name: end_bulk_row
-- No row if the run was stopped meanwhile, or taken by somebody else.
with written as (
    update coursegen.bulk_rows set outcome = %(outcome)s, why = %(why)s
    where run_id = %(id)s and position = %(position)s and outcome is null
)
update coursegen.bulk_runs set held_until = now() + make_interval(secs => %(hold_s)s)
where id = %(id)s and holder = %(holder)s and finished_at is null
returning id;

-- name: finish_bulk_run
-- No row if it has ended already or, unless `stop`, if rows are left.
update coursegen.bulk_runs set finished_at = now(), holder = null, held_until = null
where id = %(id)s and confirmed_at is not null and finished_at is null and (%(stop)s or not exists (
    select from coursegen.bulk_rows where run_id = %(id)s and outcome is null
))
returning action, operator, reason;

-- name: find_bulk_run
select
    id, action, filter, skipped, operator, reason, prepared_at, confirmed_at, finished_at,
    coalesce(held_until, '-infinity') > now() as is_held
from coursegen.bulk_runs
where id = %(id)s;

-- name: list_open_bulk_runs
select id, action, (select count(*) from coursegen.bulk_rows where run_id = run.id and outcome is null) as left
from coursegen.bulk_runs run
where confirmed_at is not null and finished_at is null
order by prepared_at desc
limit 5;

-- name: count_bulk_rows
select
    count(*) as rows,
    count(*) filter (where outcome = 'done') as done,
    count(*) filter (where outcome = 'changed') as changed,
    count(*) filter (where outcome = 'failed') as failed,
    count(*) filter (where outcome is null) as left,
    max(why) filter (where outcome is null) as held_up
from coursegen.bulk_rows
where run_id = %(id)s;

-- name: list_bulk_rows
-- The first rows of that outcome, or of all, with what is still there of each.
select
    row.position, row.generation_id as id, row.outcome, row.why, generation.status::text, generation.stage::text,
    course.slug, left(course.title, 200) as title
from coursegen.bulk_rows row
left join coursegen.generations generation on generation.id = row.generation_id
left join courses course on course.id = generation.course_id
where row.run_id = %(id)s and (%(outcome)s::text is null or row.outcome = %(outcome)s)
order by row.position
limit %(limit)s;
