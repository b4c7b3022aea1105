-- slot_use: how many generations were active in each hour, against the limit?
--
-- How to read it: one row per hour (UTC) from the hour of `since`, or of the first generation active in that time, to the
-- current one. `peak` is the most that were active at once, `mean` the average over the hour (so far, for the current
-- one), `slots` the limit they share, `use_percent` the mean of it. An hour whose peak is the limit had refusals if
-- demand went on; see `refusals`. The limit is today's: what it was in the past is not kept.
--
-- psql "$DATABASE_URL" -v since=24h -v slots=3 -f sql/metrics/slot_use.sql
-- (`slots` is GLOBAL_CONCURRENCY_LIMIT; the command knows it.)

\ir since.psql
\if :{?slots}
\else
    \set slots 3
\endif

with spans as (
    -- Whatever was active at any moment of the window: final after its beginning, or not final yet.
    select greatest(created_at, date_trunc('hour', :'since'::timestamptz, 'UTC')) as begun, finished_at
    from coursegen.generations
    where finished_at > date_trunc('hour', :'since'::timestamptz, 'UTC')
    union all
    select greatest(created_at, date_trunc('hour', :'since'::timestamptz, 'UTC')), null
    from coursegen.generations
    where status in ('queued', 'running')
),
changes as (
    select begun as at, 1 as change from spans
    union all
    select finished_at, -1 from spans where finished_at is not null
    union all
    -- Each hour begins with what the last one left.
    select generate_series(date_trunc('hour', min(begun), 'UTC'), now(), interval '1 hour'), 0 from spans
),
levels as (
    select
        at,
        -- Changes of one moment count together: a slot given back and taken at once was not two.
        sum(sum(change)) over in_order as active,
        extract(epoch from coalesce(lead(at) over in_order, now()) - at) as lasted
    from changes
    group by at
    window in_order as (order by at)
)
select
    to_char(date_trunc('hour', at, 'UTC') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as hour,
    max(active) as peak,
    round(sum(active * lasted) / nullif(sum(lasted), 0), 2) as mean,
    :'slots'::int as slots,
    round(100 * sum(active * lasted) / nullif(sum(lasted), 0) / :'slots'::int, 1) as use_percent
from levels
group by date_trunc('hour', at, 'UTC')
order by date_trunc('hour', at, 'UTC');
