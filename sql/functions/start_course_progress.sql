-- The course's progress as reset_course_progress and then update_course_progress, which completes the first step with this
-- message and metadata, leave it and all they set besides, in one update instead of two. Null for an unknown course.
create or replace function public.start_course_progress(p_course_id uuid, p_message text, p_metadata jsonb) returns jsonb
language sql security definer
-- As in update_course_progress, nothing below resolves in `public`.
set search_path = pg_catalog, public, pg_temp
as $$
    update public.courses c
    set generation_progress = public.started_course_progress(
            c.generation_progress,
            (
                select jsonb_build_object('status', 'completed', 'started_at', moment.now, 'completed_at', moment.now)
                from (select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) moment (now)
            ),
            p_message,
            p_metadata
        ),
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
revoke all on function public.start_course_progress from public;
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on function public.start_course_progress from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant execute on function public.start_course_progress to service_role;
    end if;
end
$$;
