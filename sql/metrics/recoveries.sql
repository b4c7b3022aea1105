-- recoveries: how often did a worker find step 1 not completed and complete it, and how did those generations go on?
--
-- How to read it: one row per stage that the worker was about to run. Admission completes step 1 in its own
-- transaction, so any row means that something else wrote the course's progress. `generations` are distinct; those in
-- none of `completed`, `failed`, `cancelled` and `active` are deleted.

\ir since.psql

with recoveries as (
    select
        coalesce(metadata ->> 'stage', 'unknown') as stage,
        job_id,
        count(*) as recoveries,
        max("timestamp") as last_at
    from system_metrics
    where event_type = 'orphaned_job_recovery' and "timestamp" >= :'since'::timestamptz
    group by 1, 2
)
select
    recoveries.stage,
    sum(recoveries)::bigint as recoveries,
    count(job_id) as generations,
    count(*) filter (where status = 'completed') as completed,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'cancelled') as cancelled,
    count(*) filter (where status is not null and finished_at is null) as active,
    to_char(max(last_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as last_at
from recoveries
left join lateral (
    -- One look-up by key for each event: its job_id is text, and outlives the generation.
    select status, finished_at
    from coursegen.generations
    where id = case when job_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then job_id::uuid end
    limit 1
) generation on true
group by recoveries.stage
order by recoveries desc, stage;
