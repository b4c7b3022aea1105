-- The progress at the start of a generation, built in one go: nothing done, the first step as these keys have it, under
-- this message and with this metadata. `files` and the keys of other makers stay.
create or replace function public.started_course_progress(
    p_progress jsonb, p_first_step jsonb, p_message text, p_metadata jsonb
) returns jsonb
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end;
    has_documents constant boolean := public.has_documents(progress);
    steps constant jsonb := public.course_progress_steps(has_documents);
begin
    return public.course_progress(
        progress || jsonb_build_object(
            'message', p_message,
            'has_documents', has_documents,
            'lessons_completed', 0,
            'lessons_total', 0,
            'metadata', p_metadata
        ),
        jsonb_set(steps, '{0}', steps -> 0 || p_first_step)
    );
end
$$;
