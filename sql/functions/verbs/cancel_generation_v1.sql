-- Cancels the course's active generation. p_ended_by records who did it and why. A running handler is stopped by the abort
-- of its job and may write nothing more.
-- Outcomes: cancelled; not_active; not_found: no such course.
create or replace function coursegen.cancel_generation_v1(p_course_id uuid, p_message text, p_ended_by text)
returns table (outcome text, generation_id uuid, user_id uuid, refused text)
language plpgsql
as $$
declare
    generation coursegen.generations;
begin
    perform from public.courses c where c.id = p_course_id for no key update;
    outcome := case when found then 'not_active' else 'not_found' end;
    select g.* into generation from coursegen.generations g
    where g.course_id = p_course_id and g.finished_at is null
    for no key update;
    if found then
        outcome := 'cancelled';
        generation_id := generation.id;
        user_id := generation.user_id;
        refused := coursegen.cancel_generation(generation, p_message, p_ended_by);
    end if;
    return next;
end
$$;
