-- failure_causes: why did generations fail?
--
-- How to read it: one row per stage, cause and error of generations that failed since then, the most frequent first, at
-- most 50. `cause` is how the last start that counts ended: failed (the handler raised), timeout, died (its process
-- ended), silent (its worker was lost), or none if no start is kept. `error` is the first line of the start's error, or
-- of the owner's message, without ids. `last_job` is the latest such generation.

\ir since.psql

with failures as (
    select generation.stage, failure.cause, failure.error, generation.id, generation.user_id, generation.finished_at
    from coursegen.generations generation
    cross join lateral coursegen.failure_cause_v1(generation) failure
    where generation.finished_at >= :'since'::timestamptz and generation.status = 'failed'
)
select
    stage::text,
    cause,
    error,
    count(*) as failures,
    count(distinct user_id) as users,
    to_char(max(finished_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as last_at,
    (array_agg(id order by finished_at desc, id desc))[1]::text as last_job
from failures
group by failures.stage, cause, error
order by failures desc, max(finished_at) desc, failures.stage, cause, error
limit 50;
