-- Writes these values of the column that shows a generation, one after the other.
create or replace function coursegen.write_status_values(p_course_id uuid, p_column text, p_values text[]) returns void
language plpgsql
as $$
declare
    course public.courses;  -- an assignment to its field converts the value to the column's type
    value text;
begin
    foreach value in array p_values loop
        if p_column = 'generation_status' then
            course.generation_status := value;
            update public.courses c set generation_status = course.generation_status where c.id = p_course_id;
        else
            course.status := value;
            update public.courses c set status = course.status where c.id = p_course_id;
        end if;
    end loop;
end
$$;
