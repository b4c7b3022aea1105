-- `poll_course_v2` without the organisation, for processes of the earlier release.
create or replace function coursegen.poll_course_v1(
    p_slug text, p_id uuid, p_user_id uuid, p_state boolean, p_stuck_s float, p_stalled_s float,
    out outcome text, out course_id uuid, out user_id uuid, out tag text, out slug text, out status text,
    out generation_status text, out progress text, out created_at text, out updated_at text, out minutes int,
    out is_stuck boolean, out queue_position int, out worker_alive boolean
)
language sql stable
as $$
    select
        outcome, course_id, user_id, tag, slug, status, generation_status, progress, created_at, updated_at, minutes,
        is_stuck, queue_position, worker_alive
    from coursegen.poll_course_v2(p_slug, p_id, p_user_id, p_state, p_stuck_s, p_stalled_s)
$$;
