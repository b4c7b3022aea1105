-- Whether the platform keeps a history of its courses' statuses that the caller may read.
create or replace function coursegen.has_status_history() returns boolean
language sql stable
as $$
    select count(*) = 3 from pg_attribute
    where attrelid = to_regclass('public.generation_status_history') and not attisdropped
        and attname in ('course_id', 'new_status', 'changed_at') and has_column_privilege(attrelid, attnum, 'select')
$$;
