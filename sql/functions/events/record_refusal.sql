-- Counts a status that the platform refused. Its generation goes on without.
-- If the admission leaves the course with the value of a cancellation, that value says nothing of this generation.
create or replace function coursegen.record_refusal(p_course_id uuid, p_status text, p_old_value text, p_error text)
returns void
language plpgsql
as $$
begin
    insert into coursegen.events (event_type, severity, course_id, metadata)
    values (
        'status_refused', 'warn', p_course_id,
        jsonb_build_object('status', p_status, 'old_value', p_old_value, 'error', p_error)
    );
    update coursegen.generations g set cancel_value = null
    where g.course_id = p_course_id and g.finished_at is null and g.status = 'queued' and g.cancel_value = p_old_value;
end
$$;
