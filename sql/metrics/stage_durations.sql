-- stage_durations: how long does each stage take, by tier?
--
-- How to read it: seconds from a start of the stage to its end, for the starts that completed it, of generations
-- admitted since then; waits between starts are not in it. Half of the runs took up to `p50_s`, 95 of 100 up to
-- `p95_s`, 99 of 100 up to `p99_s`. `went_wrong` are the starts that failed, timed out or died. A stage's p99 near
-- STAGE_TIMEOUT_S asks for a longer timeout.
--
-- psql "$DATABASE_URL" -v since=24h -f sql/metrics/stage_durations.sql

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
        -- Follows from the line above; said for the index on it.
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
