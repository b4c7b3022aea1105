-- refusals: how many requests were refused because something was full or already running, by tier and kind?
--
-- How to read it: `kind` is the response's code: user_limit (the user's slots were taken), system_limit (the system's),
-- generation_active (the course was being generated) or paused (an operator had paused admissions). `refusals` counts
-- requests: equal refusals within a second are one event with a count. At system_limit, raise the limit and add
-- workers.

\ir since.psql

select
    coalesce(metadata ->> 'tier', 'unknown') as tier,
    case
        when event_type = 'duplicate_job_detected' then 'generation_active'
        when metadata ->> 'limit' = 'paused' then 'paused'
        else coalesce(metadata ->> 'limit', 'unknown') || '_limit'
    end as kind,
    sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)::bigint
        as refusals,
    count(distinct user_id) as users,
    to_char(max("timestamp") at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as last_at
from system_metrics
where event_type in ('concurrency_limit_hit', 'duplicate_job_detected')
    and "timestamp" >= :'since'::timestamptz
group by 1, 2
order by refusals desc, tier, kind;
