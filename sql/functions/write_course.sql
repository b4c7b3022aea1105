-- The course, which the caller has locked, has this progress and, unless null, this status: in one update where the
-- status is the platform's own. What differs counts as progress. False for an unknown course.
create or replace function coursegen.write_course(p_course_id uuid, p_progress jsonb, p_status text) returns boolean
language plpgsql
as $$
begin
    if p_status is not null and coursegen.plain_course_status() then
        update public.courses c
        set generation_progress = p_progress,
            status = p_status,
            last_progress_update = case
                when c.generation_progress is distinct from p_progress then now() else c.last_progress_update
            end,
            updated_at = now(),
            generation_completed_at = case
                when p_status = 'completed' then coalesce(c.generation_completed_at, now())
                else c.generation_completed_at
            end
        where c.id = p_course_id;
        return found;
    end if;
    update public.courses c
    set generation_progress = p_progress,
        last_progress_update = case
            when c.generation_progress is distinct from p_progress then now() else c.last_progress_update
        end,
        updated_at = now()
    where c.id = p_course_id;
    return case when p_status is null then found else coursegen.set_course_status(p_course_id, p_status) end;
end
$$;
