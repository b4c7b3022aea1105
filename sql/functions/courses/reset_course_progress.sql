-- The course's progress at the start of a generation, for admission alone: five pending steps, `files` kept, counts,
-- errors and times cleared. Null for an unknown course.
create or replace function coursegen.reset_course_progress(p_course_id uuid) returns jsonb
language sql
as $$
    select coursegen.write_course(p_course_id, '[{"reset": true}]')
$$;
