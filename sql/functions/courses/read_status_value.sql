-- The value of the column that shows a generation's status. A branch is parsed when it is first taken, so a table without
-- the other column does no harm.
create or replace function coursegen.read_status_value(p_course_id uuid, p_column text) returns text
language plpgsql stable
as $$
begin
    if p_column = 'generation_status' then
        return (select c.generation_status::text from public.courses c where c.id = p_course_id);
    end if;
    return (select c.status::text from public.courses c where c.id = p_course_id);
end
$$;
