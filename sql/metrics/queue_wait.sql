-- queue_wait: how long does a generation wait for its first stage to start, by priority?
--
-- How to read it: seconds from admission to the first start, of generations admitted since then, the highest priority
-- first. `waiting` counts those not started yet; the longest has waited for `oldest_s`. If waits grow at every
-- priority, add workers.

\ir since.psql

with waits as (
    select
        priority,
        count(started_at) as started,
        percentile_cont(array[0.5, 0.95, 0.99])
            within group (order by extract(epoch from started_at - created_at)::float) as percentiles,
        max(extract(epoch from started_at - created_at)) as longest,
        count(*) filter (where status = 'queued') as waiting,
        max(extract(epoch from now() - created_at)) filter (where status = 'queued') as oldest
    from coursegen.generations
    where created_at >= :'since'::timestamptz and (started_at is not null or status = 'queued')
    group by priority
)
select
    priority,
    started,
    round(percentiles[1]::numeric, 2) as p50_s,
    round(percentiles[2]::numeric, 2) as p95_s,
    round(percentiles[3]::numeric, 2) as p99_s,
    round(longest, 2) as max_s,
    waiting,
    round(oldest) as oldest_s
from waits
order by priority desc;
