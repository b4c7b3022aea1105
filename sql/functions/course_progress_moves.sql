-- Whether a step's going to a status changes the progress: it may go there, or there is no progress to speak of yet.
-- Nothing below resolves in `public`, and so it needs no search_path of its own, with which it would not be inlined.
create or replace function coursegen.course_progress_moves(p_progress jsonb, p_step_id int, p_status text)
returns boolean
language sql immutable parallel safe
as $$
    select coursegen.malformed_course_progress(p_progress)
        or coursegen.course_step_moves(
            p_progress operator(pg_catalog.->) 'steps'::text
                operator(pg_catalog.->) (p_step_id - 1) operator(pg_catalog.->>) 'status'::text,
            p_status
        )
$$;
