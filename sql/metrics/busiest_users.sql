-- busiest_users: who has the most generations, and who is refused the most?
--
-- How to read it: at most 20 users, the busiest first. `admitted` counts the generations since then, by their state now
-- in `completed`, `failed`, `cancelled` and `active`. `slot_hours` is the time from admission to end, in all. `refused`
-- counts requests at a full limit or for a course under way. `tier` is that of the latest generation or refusal.

\ir since.psql

with facts as (
    select
        user_id, id, created_at as at, tier::text, status::text,
        extract(epoch from coalesce(finished_at, now()) - created_at) as slot_s, null::numeric as refused
    from coursegen.generations
    where created_at >= :'since'::timestamptz
    union all
    select
        user_id, id, "timestamp", metadata ->> 'tier', null, null,
        case when jsonb_typeof(metadata -> 'count') = 'number' then (metadata ->> 'count')::numeric else 1 end
    from system_metrics
    where event_type in ('concurrency_limit_hit', 'duplicate_job_detected')
        and "timestamp" >= :'since'::timestamptz
        and user_id is not null
)
select
    user_id::text,
    coalesce((array_agg(tier order by at desc, id desc) filter (where tier is not null))[1], 'unknown') as tier,
    count(status) as admitted,
    count(*) filter (where status = 'completed') as completed,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'cancelled') as cancelled,
    count(*) filter (where status not in ('completed', 'failed', 'cancelled')) as active,
    round(coalesce(sum(slot_s), 0) / 3600, 2) as slot_hours,
    coalesce(sum(refused), 0)::bigint as refused
from facts
group by user_id
order by admitted desc, refused desc, user_id
limit 20;
