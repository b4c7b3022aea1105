-- True once the course has the status, false for an unknown course. Nothing else writes it but start_course_progress and
-- write_course, where one update of the course can be all.
create or replace function coursegen.set_course_status(p_course_id uuid, p_status text) returns boolean
language plpgsql security definer
-- As in update_course_progress, nothing below resolves in `public`.
set search_path = pg_catalog, public, pg_temp
as $$
declare
    status_column name;
    changed int;
begin
    if p_status is null or p_status not in (
        'initializing', 'processing_documents', 'analyzing_task', 'generating_structure', 'generating_content',
        'finalizing', 'completed', 'failed', 'cancelled'
    ) then
        raise exception using errcode = 'CG002',
            message = pg_catalog.format('Invalid status: %s (no status of a generation)', coalesce(p_status, 'null'));
    end if;
    if coursegen.plain_course_status() then
        -- The same as below with a plan that is kept.
        update public.courses
        set status = p_status,
            updated_at = now(),
            generation_completed_at = case
                when p_status = 'completed' then coalesce(generation_completed_at, now()) else generation_completed_at
            end
        where id = p_course_id;
    else
        select attname into status_column
        from pg_attribute
        where attrelid = 'public.courses'::regclass::oid
            and attname in ('generation_status', 'status') and not attisdropped
        order by attname
        limit 1;
        -- The status stands as a literal, which fits a column of text and one of an enum alike.
        execute pg_catalog.format(
            'update public.courses set %I = %L, updated_at = now()%s where id = $1',
            status_column, p_status,
            case when p_status = 'completed' then ', generation_completed_at = coalesce(generation_completed_at, now())' end
        ) using p_course_id;
    end if;
    get diagnostics changed = row_count;
    return changed = 1;
end
$$;

-- For the service alone. Supabase's default privileges also grant new functions to its API's roles.
revoke all on function coursegen.set_course_status from public;
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on function coursegen.set_course_status from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant execute on function coursegen.set_course_status to service_role;
    end if;
end
$$;
