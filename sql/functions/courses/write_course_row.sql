-- Writes the course's row in one statement, with this value in the column that shows a generation, or without one (null).
-- False if a trigger skipped the write, or there is no such course. The three statements differ in that column alone: a
-- statement can't name it by a variable, and one that names it starts the platform's triggers on it.
create or replace function coursegen.write_course_row(
    p_course_id uuid, p_column text, p_value text, p_progress jsonb, p_starts boolean, p_ends boolean,
    p_error text, p_error_details jsonb
) returns boolean
language plpgsql
as $$
declare
    course public.courses;  -- an assignment to its field converts the value to the column's type
begin
    if p_column = 'status' then
        course.status := p_value;
        update public.courses c
        set status = course.status,
            generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    elsif p_column = 'generation_status' then
        course.generation_status := p_value;
        update public.courses c
        set generation_status = course.generation_status,
            generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    else
        update public.courses c
        set generation_progress = p_progress, last_progress_update = now(), updated_at = now(),
            generation_started_at = case when p_starts then now() else c.generation_started_at end,
            generation_completed_at = case
                when p_ends then now() when p_starts then null else c.generation_completed_at
            end,
            error_message = case when p_starts then null else coalesce(p_error, c.error_message) end,
            error_details = case when p_starts then null else coalesce(p_error_details, c.error_details) end
        where c.id = p_course_id;
    end if;
    return found;
end
$$;
