-- The course's progress after one step went to another status; null for an unknown course. A step that may not go there
-- leaves the row as it is. Raises CG001 for a step outside 1 to 5, CG002 for an unknown status.
create or replace function coursegen.update_course_progress(
    p_course_id uuid, p_step_id int, p_status text, p_message text,
    p_error_message text default null, p_error_details jsonb default null, p_metadata jsonb default '{}'
) returns jsonb
language plpgsql security definer
-- `public` is for triggers of the platform. Nothing of ours resolves there.
set search_path = pg_catalog, public, pg_temp
as $$
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
    return coursegen.write_course(p_course_id, pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
        'step', p_step_id, 'status', p_status, 'message', p_message,
        'error', p_error_message, 'error_details', p_error_details, 'metadata', p_metadata
    )));
end
$$;
