-- Records what the current transaction has created in `public`: the rows of the catalog that it inserted. Of a table
-- that is the row of a system column, which no later change of the table rewrites. So it runs before anything is granted,
-- and a migration alters no column that was there.
insert into coursegen.created_objects (kind, name)
select 'type', typname from pg_type
where typnamespace = 'public'::regnamespace and typtype = 'e' and typname in ('metric_event_type', 'metric_severity')
    and xmin = pg_current_xact_id()::xid
union all
select case when attnum > 0 then 'column' else 'table' end, relname || case when attnum > 0 then '.' || attname else '' end
from pg_attribute
join pg_class on pg_class.oid = attrelid
where relnamespace = 'public'::regnamespace and relname in ('courses', 'system_metrics')
    and (attnum > 0 or attname = 'tableoid') and pg_attribute.xmin = pg_current_xact_id()::xid
union all
select 'function', proname from pg_proc
where pronamespace = 'public'::regnamespace and proname = 'update_course_progress'
    and xmin = pg_current_xact_id()::xid
on conflict do nothing;
