-- Whether a step's going to a status changes the progress: it may go there, or there is no progress to speak of yet.
create or replace function public.course_progress_moves(p_progress jsonb, p_step_id int, p_status text)
returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select public.malformed_course_progress(p_progress)
        or public.course_step_moves(p_progress -> 'steps' -> (p_step_id - 1) ->> 'status', p_status)
$$;
