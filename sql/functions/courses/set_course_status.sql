-- The one writer of a course's status. True once the course has it, false for an unknown course. A platform that has a
-- column `generation_status` keeps another meaning in `status`.
-- As its owner: a platform's triggers write tables that the service's role has no privilege on.
create or replace function coursegen.set_course_status(p_course_id uuid, p_status text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    column_name name;
    is_text boolean;
    changed int;
begin
    if not coursegen.is_generation_status(p_status) then
        raise exception using errcode = 'CG002',
            message = pg_catalog.format('Invalid status: %s (no status of a generation)', coalesce(p_status, 'null'));
    end if;
    select a.attname, a.atttypid = 'text'::regtype::oid into column_name, is_text
    from pg_attribute a
    where a.attrelid = 'public.courses'::regclass::oid and a.attname in ('generation_status', 'status') and not a.attisdropped
    order by a.attname
    limit 1;
    if column_name = 'status' and is_text then
        update public.courses set status = p_status where id = p_course_id;  -- the plan is kept
    else
        -- The status is a literal, which fits a column of text and one of an enum.
        execute pg_catalog.format('update public.courses set %I = %L where id = $1', column_name, p_status) using p_course_id;
    end if;
    get diagnostics changed = row_count;
    return changed = 1;
end
$$;
