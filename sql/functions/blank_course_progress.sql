-- The progress with its five steps pending and nothing done; `files` and the keys of other makers stay.
create or replace function coursegen.blank_course_progress(p_progress jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select coursegen.started_course_progress(p_progress, '{}', 'Генерация поставлена в очередь', '{}')
$$;
