-- The progress at the start of a generation, whose first step has come as far as `p_first_step` says: what follows from
-- the steps is known, so it is written down here rather than computed as course_progress does. A test compares the two.
-- `files` and the keys of other makers stay.
create or replace function coursegen.started_course_progress(
    p_progress jsonb, p_first_step jsonb, p_message text, p_metadata jsonb
) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end;
    has_documents constant boolean := coursegen.has_documents(progress);
    steps constant jsonb := coursegen.course_progress_steps(has_documents);
begin
    return progress || jsonb_build_object(
        'steps', jsonb_set(steps, '{0}', steps -> 0 || p_first_step),
        'percentage', case p_first_step ->> 'status' when 'completed' then 20 else 0 end,
        'current_step', 1,
        'message', p_message,
        'total_steps', 5,
        'has_documents', has_documents,
        'lessons_completed', 0,
        'lessons_total', 0,
        'files', case when jsonb_typeof(progress -> 'files') = 'array' then progress -> 'files' else '[]' end,
        'metadata', p_metadata
    );
end
$$;
