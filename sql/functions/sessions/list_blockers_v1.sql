-- The sessions that keep others from this service's tables, the longest first: one holds a lock on such a table in a
-- transaction that has been open for p_open_s, or others of this database wait for it for more than a second. is_strong: its
-- lock admits no writer. Runs as its owner, who may see more of other sessions; open_s is null where it may not.
-- Reads no table, so that no lock can stop it.
create or replace function coursegen.list_blockers_v1(p_open_s float)
returns table (
    pid int, role text, application text, state text, open_s float, tables text[], is_strong boolean, waiting bigint
)
language sql stable security definer set search_path = pg_catalog
as $$
    with lock as materialized (
        select l.*, c.oid::regclass::text as table_name
        from pg_locks l
        left join pg_class c on c.oid = l.relation and l.locktype = 'relation' and c.relkind in ('r', 'p') and (
            c.relnamespace = to_regnamespace('coursegen')
            or c.relnamespace = to_regnamespace('public') and c.relname ~ '^(courses|system_metrics|procrastinate_.*)$'
        )
        where l.database = (select d.oid from pg_database d where d.datname = current_database()) or not l.granted
    ),
    held as (
        select l.pid, array_agg(distinct l.table_name) as tables,
            bool_or(l.mode not in ('RowShareLock', 'RowExclusiveLock')) as is_strong
        from lock l
        where l.granted and l.table_name is not null and l.mode not in ('AccessShareLock', 'ShareUpdateExclusiveLock')
        group by l.pid
    ),
    wait as (
        select blocker, count(distinct l.pid) as waiting
        from lock l, unnest(pg_blocking_pids(l.pid)) blocker
        where not l.granted and l.waitstart < clock_timestamp() - interval '1 s'
        group by blocker
    )
    select
        a.pid, a.usename::text, a.application_name, a.state, extract(epoch from clock_timestamp() - a.xact_start)::float,
        held.tables, coalesce(held.is_strong, false), coalesce(wait.waiting, 0)
    from pg_stat_activity a
    left join held on held.pid = a.pid
    left join wait on wait.blocker = a.pid
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
        and (
            wait.waiting > 0 or held.pid is not null and extract(epoch from clock_timestamp() - a.xact_start) > p_open_s
            or held.is_strong and a.xact_start is null
        )
        and not exists (select from lock l where l.pid = a.pid and not l.granted)  -- it only waits itself
    order by a.xact_start nulls first
$$;
