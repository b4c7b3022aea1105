-- The course's progress, which says now how many lessons are done, of how many; null where there is none.
create or replace function coursegen.count_course_lessons(p_course_id uuid, p_completed int, p_total int) returns jsonb
language sql
as $$
    update public.courses c
    set generation_progress = c.generation_progress
            || jsonb_build_object('lessons_completed', p_completed, 'lessons_total', p_total),
        last_progress_update = now(),
        updated_at = now()
    where c.id = p_course_id and jsonb_typeof(c.generation_progress) = 'object'
    returning c.generation_progress
$$;
