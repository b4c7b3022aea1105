-- refusals: how many requests were refused because something was full or already running, by tier and kind?
--
-- How to read it: `kind` is the code the client got: user_limit (the user's slots were taken), system_limit (the
-- system's were) or generation_active (the course was being generated already). `refusals` counts requests: refusals
-- of one user within a second are stored as one event with a count. `users` are those refused. Many users at
-- user_limit want a higher tier; any at system_limit ask for a higher GLOBAL_CONCURRENCY_LIMIT and more workers.
--
-- psql "$DATABASE_URL" -v since=24h -f sql/metrics/refusals.sql

\ir since.psql

select
    coalesce(metadata ->> 'tier', 'unknown') as tier,
    case
        when event_type = 'duplicate_job_detected' then 'generation_active'
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
