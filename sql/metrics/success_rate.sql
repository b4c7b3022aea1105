-- success_rate: of the generations that ended, how many were completed, by source?
--
-- How to read it: one row per way in (http, trpc, cli), and old_stack for what the platform's older service ended, the
-- busiest first. `ended` counts those that became final since then. `success_percent` is completed of completed and failed.

\ir since.psql

select
    source,
    count(*) as ended,
    count(*) filter (where status = 'completed') as completed,
    count(*) filter (where status = 'failed') as failed,
    count(*) filter (where status = 'cancelled') as cancelled,
    round(
        100.0 * count(*) filter (where status = 'completed')
            / nullif(count(*) filter (where status in ('completed', 'failed')), 0),
        1
    ) as success_percent
from (
    select source, status::text from coursegen.generations where finished_at >= :'since'::timestamptz
    union all
    select 'old_stack', status from coursegen.list_old_stack_ends_v1(:'since'::timestamptz)
) ended
group by source
order by ended desc, source;
