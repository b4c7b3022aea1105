-- The course's progress at the start of a generation: five pending steps, `files` kept, counts, errors and times cleared.
-- Null for an unknown course. Admission does the same in the write that completes the first step.
create or replace function coursegen.reset_course_progress(p_course_id uuid) returns jsonb
language sql
as $$
    select coursegen.write_course(p_course_id, '[{"reset": true}]')
$$;
