-- rollbacks_per_hour: in which hours were admissions rolled back, and how many?
--
-- How to read it: one row per hour (UTC) with a rollback; the first hour counts whole. `rollbacks` counts responses
-- with status 500. Of these, `retries_exhausted` had a failing database at every attempt; the others met a defect.
-- `admitted` counts the requests that succeeded in that hour, `users` the users whose requests did not.

\ir since.psql

with facts as (
    select date_trunc('hour', "timestamp", 'UTC') as hour, event_type::text as kind, user_id
    from system_metrics
    where event_type in ('job_rollback', 'rpc_retry_exhausted')
        and "timestamp" >= date_trunc('hour', :'since'::timestamptz, 'UTC')
    union all
    select date_trunc('hour', created_at, 'UTC'), 'admitted', null
    from coursegen.generations
    where created_at >= date_trunc('hour', :'since'::timestamptz, 'UTC')
)
select
    to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as hour,
    count(*) filter (where kind = 'job_rollback') as rollbacks,
    count(*) filter (where kind = 'rpc_retry_exhausted') as retries_exhausted,
    count(distinct user_id) as users,
    count(*) filter (where kind = 'admitted') as admitted
from facts
group by facts.hour
having bool_or(kind <> 'admitted')
order by facts.hour;
