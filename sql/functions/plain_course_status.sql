-- Whether the status of a course's generation is the text of the column `status`, as in the platform's own schema: a
-- platform that has a column for the generation's status keeps another meaning in `status`.
create or replace function coursegen.plain_course_status() returns boolean
language plpgsql stable parallel safe  -- whose plan is kept, where that of SQL is made anew in every statement
as $$
begin
    return (
        select attname = 'status' and atttypid = 'text'::regtype::oid
        from pg_attribute
        where attrelid = 'public.courses'::regclass::oid and attname in ('generation_status', 'status')
            and not attisdropped
        order by attname
        limit 1
    );
end
$$;
