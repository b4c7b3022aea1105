-- daily_summary: what happened on each day?
--
-- How to read it: one row per day (UTC) from the day of `since`, or of the first row after it, to today. The first day
-- counts whole. `admitted` and `users` go by the day of admission; `completed`, `failed` and `cancelled` by the day of
-- the end. `success_percent` is completed of completed and failed. `refused` counts requests; `rollbacks`, `recoveries`
-- and `timeouts` count events. Events are kept for 90 days: older days read as 0.

\ir since.psql

with facts as (
    select created_at as at, 'admitted' as kind, user_id, 1::numeric as times
    from coursegen.generations
    where created_at >= date_trunc('day', :'since'::timestamptz, 'UTC')
    union all
    select finished_at, status::text, null, 1
    from coursegen.generations
    where finished_at >= date_trunc('day', :'since'::timestamptz, 'UTC')
    union all
    select
        "timestamp",
        case when event_type in ('concurrency_limit_hit', 'duplicate_job_detected') then 'refused' else event_type::text end,
        null,
        case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end
    from system_metrics
    where "timestamp" >= date_trunc('day', :'since'::timestamptz, 'UTC')
),
days as (
    select generate_series(date_trunc('day', min(at), 'UTC'), now(), interval '24 hours') as day from facts
)
select
    to_char(day at time zone 'UTC', 'YYYY-MM-DD') as day,
    count(*) filter (where kind = 'admitted') as admitted,
    count(distinct user_id) as users,
    count(*) filter (where kind = 'completed') as completed,
    count(*) filter (where kind = 'failed') as failed,
    count(*) filter (where kind = 'cancelled') as cancelled,
    round(
        100.0 * count(*) filter (where kind = 'completed')
            / nullif(count(*) filter (where kind in ('completed', 'failed')), 0),
        1
    ) as success_percent,
    coalesce(sum(times) filter (where kind = 'refused'), 0)::bigint as refused,
    count(*) filter (where kind = 'job_rollback') as rollbacks,
    count(*) filter (where kind = 'orphaned_job_recovery') as recoveries,
    count(*) filter (where kind = 'worker_timeout') as timeouts
from days
left join facts on date_trunc('day', at, 'UTC') = day
group by days.day
order by days.day;
