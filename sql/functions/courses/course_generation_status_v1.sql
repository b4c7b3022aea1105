-- The status of the course's generation, as set_course_status wrote it. A branch is parsed when it is first taken,
-- so a table without the column does no harm.
create or replace function coursegen.course_generation_status_v1(c public.courses) returns text
language plpgsql stable parallel safe
as $$
begin
    if exists (
        select from pg_catalog.pg_attribute
        where attrelid = 'public.courses'::pg_catalog.regclass::pg_catalog.oid
            and attname = 'generation_status' and not attisdropped
    ) then
        return coalesce(c.generation_status::text, c.status::text);
    end if;
    return c.status::text;
end
$$;
