-- daily_summary: what happened on each day?
--
-- How to read it: one row per day (UTC) from the day of `since`, or of the first row after it, to today. The first day
-- counts whole. `admitted` and `users` go by the day of admission; `completed`, `failed` and `cancelled` by the day of
-- the end. `success_percent` is completed of completed and failed. `refused` counts requests; `rollbacks`, `recoveries`
-- and `timeouts` count events. Events are kept for 90 days: older days read as 0.
--
-- psql "$DATABASE_URL" -v since=30d -f sql/metrics/daily_summary.sql

\ir since.psql

with admissions as (
    select date_trunc('day', created_at, 'UTC') as day, count(*) as admitted, count(distinct user_id) as users
    from coursegen.generations
    where created_at >= date_trunc('day', :'since'::timestamptz, 'UTC')
    group by 1
),
ends as (
    select
        date_trunc('day', finished_at, 'UTC') as day,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled
    from coursegen.generations
    where finished_at >= date_trunc('day', :'since'::timestamptz, 'UTC')
    group by 1
),
events as (
    select
        date_trunc('day', "timestamp", 'UTC') as day,
        sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)
            filter (where event_type in ('concurrency_limit_hit', 'duplicate_job_detected')) as refused,
        count(*) filter (where event_type = 'job_rollback') as rollbacks,
        count(*) filter (where event_type = 'orphaned_job_recovery') as recoveries,
        count(*) filter (where event_type = 'worker_timeout') as timeouts
    from system_metrics
    where "timestamp" >= date_trunc('day', :'since'::timestamptz, 'UTC')
    group by 1
),
days as (
    select generate_series(min(day), now(), interval '24 hours') as day
    from (select day from admissions union all select day from ends union all select day from events) any_day
)
select
    to_char(day at time zone 'UTC', 'YYYY-MM-DD') as day,
    coalesce(admitted, 0) as admitted,
    coalesce(users, 0) as users,
    coalesce(completed, 0) as completed,
    coalesce(failed, 0) as failed,
    coalesce(cancelled, 0) as cancelled,
    round(100.0 * completed / nullif(completed + failed, 0), 1) as success_percent,
    coalesce(refused, 0)::bigint as refused,
    coalesce(rollbacks, 0) as rollbacks,
    coalesce(recoveries, 0) as recoveries,
    coalesce(timeouts, 0) as timeouts
from days
left join admissions using (day)
left join ends using (day)
left join events using (day)
order by days.day;
