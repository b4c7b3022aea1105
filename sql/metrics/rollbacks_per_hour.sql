-- rollbacks_per_hour: in which hours were admissions rolled back, and how many?
--
-- How to read it: one row per hour (UTC) with a rollback; the first hour counts whole. `rollbacks` counts responses
-- with status 500. Of these, `retries_exhausted` had a failing database at every attempt; the others met a defect.
-- `admitted` counts the requests that succeeded in that hour, `users` the users whose requests did not.
--
-- psql "$DATABASE_URL" -v since=24h -f sql/metrics/rollbacks_per_hour.sql

\ir since.psql

with rollbacks as (
    select
        date_trunc('hour', "timestamp", 'UTC') as hour,
        count(*) filter (where event_type = 'job_rollback') as rollbacks,
        count(*) filter (where event_type = 'rpc_retry_exhausted') as retries_exhausted,
        count(distinct user_id) as users
    from system_metrics
    where event_type in ('job_rollback', 'rpc_retry_exhausted')
        and "timestamp" >= date_trunc('hour', :'since'::timestamptz, 'UTC')
    group by 1
),
admissions as (
    select date_trunc('hour', created_at, 'UTC') as hour, count(*) as admitted
    from coursegen.generations
    where created_at >= date_trunc('hour', :'since'::timestamptz, 'UTC')
    group by 1
)
select
    to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as hour,
    rollbacks,
    retries_exhausted,
    users,
    coalesce(admitted, 0) as admitted
from rollbacks left join admissions using (hour)
order by rollbacks.hour;
