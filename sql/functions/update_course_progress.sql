-- The course's progress after one step went to another status; null for an unknown course. A step that may not
-- go there leaves the row as it is, so the same call twice is the same as once, and a late one undoes nothing.
create or replace function public.update_course_progress(
    p_course_id uuid, p_step_id int, p_status text, p_message text,
    p_error_message text default null, p_error_details jsonb default null, p_metadata jsonb default '{}'
) returns jsonb
language plpgsql security definer
-- `public` is for the triggers of other makers. Nothing below resolves there: functions are named with their schema,
-- and operators take exactly the types that pg_catalog has them for.
set search_path = pg_catalog, public, pg_temp
as $$
declare
    progress jsonb;
begin
    if p_step_id is null or p_step_id not between 1 and 5 then
        raise exception using errcode = 'CG001',
            message = pg_catalog.format('Invalid step_id: %s (expected 1 to 5)', coalesce(p_step_id::text, 'null'));
    end if;
    if p_status is null or p_status not in ('pending', 'in_progress', 'completed', 'failed') then
        raise exception using errcode = 'CG002', message = pg_catalog.format(
            'Invalid status: %s (expected pending, in_progress, completed or failed)', coalesce(p_status, 'null')
        );
    end if;

    update public.courses c
    set generation_progress = coursegen.advanced_course_progress(
            c.generation_progress, p_step_id, p_status, p_message, p_error_message, p_error_details, p_metadata, now()
        ),
        last_progress_update = now(),
        updated_at = now()
    where c.id = p_course_id
        and coursegen.course_progress_moves(c.generation_progress, p_step_id, p_status)
    returning c.generation_progress into progress;

    if not found then
        select c.generation_progress into progress from public.courses c where c.id = p_course_id;
    end if;
    return progress;
end
$$;

-- For the service alone. Supabase's default privileges also grant new functions to its API's roles.
revoke all on function public.update_course_progress from public;
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on function public.update_course_progress from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant execute on function public.update_course_progress to service_role;
    end if;
end
$$;
