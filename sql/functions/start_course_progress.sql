-- The course as reset_course_progress, update_course_progress, which completes the first step with this message and
-- metadata, and set_course_status leave it, where that can be in one update instead of three. Null for an unknown course.
create or replace function coursegen.start_course_progress(p_course_id uuid, p_message text, p_metadata jsonb) returns jsonb
language plpgsql security definer
-- As in update_course_progress, nothing below resolves in `public`.
set search_path = pg_catalog, public, pg_temp
as $$
declare
    now_text constant text := to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
    started jsonb;
begin
    if not coursegen.plain_course_status() then
        perform coursegen.reset_course_progress(p_course_id);
        started := public.update_course_progress(p_course_id, 1, 'completed', p_message, p_metadata => p_metadata);
        perform coursegen.set_course_status(p_course_id, 'initializing');
        return started;
    end if;
    update public.courses c
    set generation_progress = coursegen.started_course_progress(
            c.generation_progress,
            jsonb_build_object('status', 'completed', 'started_at', now_text, 'completed_at', now_text),
            p_message,
            p_metadata
        ),
        status = 'initializing',
        last_progress_update = now(),
        updated_at = now(),
        generation_started_at = now(),
        generation_completed_at = null,
        error_message = null,
        error_details = null
    where c.id = p_course_id
    returning c.generation_progress into started;
    return started;
end
$$;

-- For the service alone. Supabase's default privileges also grant new functions to its API's roles.
revoke all on function coursegen.start_course_progress from public;
do $$
declare
    api_role text;
begin
    foreach api_role in array array['anon', 'authenticated'] loop
        if to_regrole(api_role) is not null then
            execute format('revoke all on function coursegen.start_course_progress from %I', api_role);
        end if;
    end loop;
    if to_regrole('service_role') is not null then
        grant execute on function coursegen.start_course_progress to service_role;
    end if;
end
$$;
