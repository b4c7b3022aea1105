-- Whether somebody else is generating the course: its status is active (old_stack_values), and somebody has moved the course
-- within two hours, after all that this service wrote. The history of statuses is read only where last_progress_update does
-- not settle it.
-- As its owner: the service's role reads no other table of the platform.
create or replace function coursegen.is_with_old_stack(p_course_id uuid) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    place constant text := coursegen.old_stack_column();
    -- The last write of a generation has the time of its end.
    since constant timestamptz := greatest(
        now() - interval '2 hours',
        (select max(g.finished_at) from coursegen.generations g where g.course_id = p_course_id)
    );
begin
    if place is null
        or coursegen.read_status_value(p_course_id, place) = any (coursegen.old_stack_values()) is not true
    then
        return false;
    end if;
    if exists (select from public.courses c where c.id = p_course_id and c.last_progress_update > since) then
        return true;
    end if;
    if coursegen.has_status_history() then
        return exists (
            select from public.generation_status_history h where h.course_id = p_course_id and h.changed_at > since
        );
    end if;
    return false;
end
$$;
