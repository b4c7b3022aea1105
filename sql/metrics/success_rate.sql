-- success_rate: of the generations that ended, how many were completed, by source?
--
-- How to read it: one row per way in (http, trpc, cli), the busiest first. `ended` counts those that became final since
-- then. `success_percent` is completed of completed and failed.

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
from coursegen.generations
where finished_at >= :'since'::timestamptz
group by source
order by ended desc, source;
