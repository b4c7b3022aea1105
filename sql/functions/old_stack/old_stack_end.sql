-- Which end of a generation this value of a course's status shows, if the old stack wrote it at that time: no generation of
-- this service had the course then. Else null.
create or replace function coursegen.old_stack_end(p_course_id uuid, p_value text, p_at timestamptz) returns text
language sql stable
as $$
    select m.status from coursegen.status_map m
    where m.value = p_value and m.status in ('completed', 'failed', 'cancelled')
        and not exists (
            select from coursegen.generations g
            where g.course_id = p_course_id and p_at between g.created_at and coalesce(g.finished_at, 'infinity')
        )
    order by m.status
    limit 1
$$;
