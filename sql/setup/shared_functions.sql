-- The progress function under the name that a platform's own programs call. A platform's own one stays as it is.
do $$
begin
    if not exists (
        select from pg_proc where pronamespace = 'public'::regnamespace and proname = 'update_course_progress'
    ) then
        create function public.update_course_progress(
            p_course_id uuid, p_step_id int, p_status text, p_message text,
            p_error_message text default null, p_error_details jsonb default null, p_metadata jsonb default '{}'
        ) returns jsonb
        language sql security definer
        set search_path = pg_catalog, pg_temp
        as 'select coursegen.update_course_progress(
            p_course_id, p_step_id, p_status, p_message, p_error_message, p_error_details, p_metadata
        )';
    end if;
end
$$;
