-- busiest_users: who has the most generations, and who is refused the most?
--
-- How to read it: at most 20 users, the busiest first. `admitted` counts the generations since then, by their state now
-- in `completed`, `failed`, `cancelled` and `active`. `slot_hours` is the time from admission to end, in all. `refused`
-- counts requests at a full limit or for a course under way. `tier` is that of the latest generation or refusal.
--
-- psql "$DATABASE_URL" -v since=24h -f sql/metrics/busiest_users.sql

\ir since.psql

with admissions as (
    select
        user_id,
        (array_agg(tier::text order by created_at desc, id desc))[1] as tier,
        count(*) as admitted,
        count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'cancelled') as cancelled,
        count(*) filter (where finished_at is null) as active,
        extract(epoch from sum(coalesce(finished_at, now()) - created_at)) / 3600 as slot_hours,
        max(created_at) as last_at
    from coursegen.generations
    where created_at >= :'since'::timestamptz
    group by user_id
),
refusals as (
    select
        user_id,
        (array_agg(metadata ->> 'tier' order by "timestamp" desc, id desc))[1] as tier,
        sum(case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end)
            as refused,
        max("timestamp") as last_at
    from system_metrics
    where event_type in ('concurrency_limit_hit', 'duplicate_job_detected')
        and "timestamp" >= :'since'::timestamptz
        and user_id is not null
    group by user_id
)
select
    user_id::text,
    coalesce(
        case when refusals.last_at > admissions.last_at then refusals.tier end,
        admissions.tier,
        refusals.tier,
        'unknown'
    ) as tier,
    coalesce(admitted, 0) as admitted,
    coalesce(completed, 0) as completed,
    coalesce(failed, 0) as failed,
    coalesce(cancelled, 0) as cancelled,
    coalesce(active, 0) as active,
    round(coalesce(slot_hours, 0), 2) as slot_hours,
    coalesce(refused, 0)::bigint as refused
from admissions full join refusals using (user_id)
order by admitted desc, refused desc, user_id
limit 20;
