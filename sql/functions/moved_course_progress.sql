-- The progress as update_course_progress would leave it: the same where the step may not go there.
create or replace function coursegen.moved_course_progress(
    p_progress jsonb, p_step_id int, p_status text, p_message text
) returns jsonb
language plpgsql stable parallel safe
as $$
begin
    if coursegen.course_progress_moves(p_progress, p_step_id, p_status) then
        return coursegen.advanced_course_progress(p_progress, p_step_id, p_status, p_message, null, null, '{}', now());
    end if;
    return p_progress;
end
$$;
