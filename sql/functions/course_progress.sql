-- The progress as the frontend reads it, around these five steps: what follows from the steps is computed, what is
-- missing or of a wrong type gets its default, the rest (keys of other makers too) stays as it is.
create or replace function coursegen.course_progress(p_progress jsonb, p_steps jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end;
    has_documents constant boolean := case
        when jsonb_typeof(progress -> 'has_documents') = 'boolean' then (progress -> 'has_documents')::boolean
        else coursegen.has_documents(progress)
    end;
    -- Steps are whole nearly always; then they stay as they are.
    steps constant jsonb := case when coursegen.whole_course_progress_steps(p_steps) then p_steps else (
        select jsonb_agg(blank || step || case
            when jsonb_typeof(step -> 'name') = 'string' then '{}' else jsonb_build_object('name', blank -> 'name')
        end order by n)
        from rows from (
            jsonb_array_elements(coursegen.course_progress_steps(has_documents)), jsonb_array_elements(p_steps)
        ) with ordinality as s (blank, step, n)
    ) end;
    furthest constant int := coalesce(
        (jsonb_path_query_array(steps, 'strict $[*] ? (@.status != "pending").id') -> -1)::int, 1
    );
begin
    return progress || jsonb_build_object(
        'steps', steps,
        'percentage', 20 * (furthest - 1) + case steps -> (furthest - 1) ->> 'status'
            when 'completed' then 20 when 'in_progress' then 10 else 0
        end,
        'current_step', furthest,
        'message', case when jsonb_typeof(progress -> 'message') = 'string' then progress -> 'message' else '""' end,
        'total_steps', 5,
        'has_documents', has_documents,
        'lessons_completed', coursegen.lesson_count(progress -> 'lessons_completed'),
        'lessons_total', coursegen.lesson_count(progress -> 'lessons_total'),
        'files', case when jsonb_typeof(progress -> 'files') = 'array' then progress -> 'files' else '[]' end,
        'metadata', case when jsonb_typeof(progress -> 'metadata') = 'object' then progress -> 'metadata' else '{}' end
    );
end
$$;
