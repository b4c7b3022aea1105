-- slot_use: how many generations were active in each hour, against the limit?
--
-- How to read it: one row per hour (UTC) from the hour of `since`, or of the first generation active in that time, to
-- the current one. `peak` is the most at once, `mean` the average so far, `slots` today's limit, `use_percent` the mean
-- of it. If `peak` is the limit, requests may have been refused: see `refusals`.
--
-- Under psql, `-v slots=` is the limit in force; the command knows it.

\ir since.psql
\if :{?slots}
\else
    \set slots 3
\endif

with spans as (
    -- Generations that ended in the window, and those that hold a slot now.
    select greatest(created_at, date_trunc('hour', :'since'::timestamptz, 'UTC')) as begun, finished_at
    from coursegen.generations
    where finished_at > date_trunc('hour', :'since'::timestamptz, 'UTC') or system_slot is not null
),
changes as (
    select begun as at, 1 as change from spans
    union all
    select finished_at, -1 from spans where finished_at is not null
    union all
    -- Each hour begins with the level at the end of the hour before.
    select generate_series(date_trunc('hour', min(begun), 'UTC'), now(), interval '1 hour'), 0 from spans
),
levels as (
    select
        at,
        -- Changes at the same moment count together: a slot that is released and taken at once counts once.
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
