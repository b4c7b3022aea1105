-- name: list_buckets
-- When each of the latest spans of time began: the last one is under way.
select date_bin(make_interval(secs => %(step_s)s), now(), 'epoch') - make_interval(secs => %(step_s)s * number) as at
from generate_series(%(buckets)s::int - 1, 0, -1) number;

-- name: count_ends
-- How many generations completed and failed, and how many requests were refused at a full limit, in each bucket.
select date_bin(make_interval(secs => %(step_s)s), finished_at, 'epoch') as at, status::text as name, count(*) as value
from coursegen.generations
where finished_at >= %(since)s and status in ('completed', 'failed')
group by 1, 2
union all
select
    date_bin(make_interval(secs => %(step_s)s), "timestamp", 'epoch'),
    'refused',
    sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)::bigint
from system_metrics
where event_type = 'concurrency_limit_hit' and "timestamp" >= %(since)s
group by 1;

-- name: measure_stages
-- How long the stages took that completed in each bucket: the middle, and what 95 of 100 stayed within.
-- An index knows the start, which is at most a day earlier than the end.
select
    date_bin(make_interval(secs => %(step_s)s), finished_at, 'epoch') as at,
    stage::text,
    percentile_disc(array[0.5, 0.95]) within group (order by finished_at - started_at) as took
from coursegen.attempts
where started_at >= %(since)s::timestamptz - interval '1 day' and finished_at >= %(since)s and outcome = 'completed'
group by 1, attempts.stage;

-- name: list_limit_changes
-- When the limit of active generations changed by itself or by an operator, and to what, the latest 200. It is null where it
-- became the environment's again.
select at, "limit"
from (
    select "timestamp" as at, (metadata ->> 'limit')::int as "limit" from coursegen.events
    where event_type = 'limit_changed' and "timestamp" >= %(since)s
    union all
    select at, (details ->> 'limit')::int from coursegen.audit
    where action in ('set_limit', 'reset_limit') and at >= %(since)s
) change
order by at desc
limit 200;
