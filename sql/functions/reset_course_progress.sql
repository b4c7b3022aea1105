-- The course's progress at the start of a generation, which is now: five pending steps, what the last generation left
-- behind cleared, `files` kept. Null for an unknown course.
create or replace function coursegen.reset_course_progress(p_course_id uuid) returns jsonb
language sql security definer
-- As in update_course_progress, nothing below resolves in `public`.
set search_path = pg_catalog, public, pg_temp
as $$
    update public.courses c
    set generation_progress = coursegen.blank_course_progress(c.generation_progress),
        last_progress_update = now(),
        updated_at = now(),
        generation_started_at = now(),
        generation_completed_at = null,
        error_message = null,
        error_details = null
    where c.id = p_course_id
    returning c.generation_progress
$$;

-- For the service alone. Supabase's default privileges also grant new functions to its API's roles.
revoke all on function coursegen.reset_course_progress from public;
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on function coursegen.reset_course_progress from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant execute on function coursegen.reset_course_progress to service_role;
    end if;
end
$$;
