-- stage_durations: how long does each stage take, by tier?
--
-- How to read it: seconds from start to end, of the starts that completed the stage, of generations admitted since
-- then. `went_wrong` counts the starts that failed, timed out or died. If a stage's `p99_s` is near STAGE_TIMEOUT_S,
-- raise that.

\ir since.psql

with durations as (
    select
        attempt.stage,
        generation.tier,
        count(*) filter (where outcome = 'completed') as completed,
        count(*) filter (where outcome in ('failed', 'timeout', 'died')) as went_wrong,
        percentile_cont(array[0.5, 0.95, 0.99])
            within group (order by extract(epoch from attempt.finished_at - attempt.started_at)::float)
            filter (where outcome = 'completed') as percentiles
    from coursegen.generations generation
    join coursegen.attempts attempt on attempt.generation_id = generation.id
    where generation.created_at >= :'since'::timestamptz
        -- Follows from the condition above; lets PostgreSQL use the index.
        and attempt.started_at >= :'since'::timestamptz
        and outcome in ('completed', 'failed', 'timeout', 'died')
    group by attempt.stage, generation.tier
)
select
    stage::text,
    tier::text,
    completed,
    went_wrong,
    round(percentiles[1]::numeric, 2) as p50_s,
    round(percentiles[2]::numeric, 2) as p95_s,
    round(percentiles[3]::numeric, 2) as p99_s
from durations
order by durations.stage, durations.tier;
