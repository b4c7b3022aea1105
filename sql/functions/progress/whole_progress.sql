-- The progress as the frontend reads it. What follows from the steps is computed. What is missing or of a wrong type gets
-- its default. `files` and the keys of other makers stay.
create or replace function coursegen.whole_progress(p_progress jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
    progress constant jsonb := case when jsonb_typeof(p_progress) = 'object' then p_progress else '{}' end;
    malformed constant boolean := coursegen.is_malformed_progress(p_progress);
    -- Steps that have to be built are named after the files of now.
    has_documents constant boolean := case
        when not malformed and jsonb_typeof(progress -> 'has_documents') = 'boolean'
            then (progress -> 'has_documents')::boolean
        else coursegen.has_documents(progress)
    end;
    steps jsonb := case
        when malformed then coursegen.blank_course_steps(has_documents) else progress -> 'steps'
    end;
    furthest constant int := coursegen.furthest_step(steps);
begin
    -- Steps are complete nearly always; then they stay as they are.
    if not malformed and jsonb_path_exists(steps, 'strict $[*] ? (
        !(@.name.type() == "string" && exists (@.started_at) && exists (@.completed_at)
        && exists (@.error) && exists (@.error_details))
    )', silent => true) then
        steps := (
            select jsonb_agg(blank || step || case
                when jsonb_typeof(step -> 'name') = 'string' then '{}' else jsonb_build_object('name', blank -> 'name')
            end order by n)
            from rows from (
                jsonb_array_elements(coursegen.blank_course_steps(has_documents)), jsonb_array_elements(steps)
            ) with ordinality as s (blank, step, n)
        );
    end if;
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
