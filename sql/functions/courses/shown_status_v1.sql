-- The status of the course's generation as clients read it; null before the first. A platform's own values stay, but an end
-- has our word. Where no column shows it, or the column shows something else, it follows from the latest generation.
create or replace function coursegen.shown_status_v1(p_course_id uuid) returns text
language plpgsql stable
as $$
declare
    place constant text := (select m.column_name from coursegen.status_map m where m.status = 'initializing');
    shown constant text := case when place is not null then coursegen.read_status_value(p_course_id, place) end;
    generation record;
begin
    if coursegen.is_generation_status(shown) or place = 'generation_status' and shown is null then
        return shown;
    end if;
    select g.id, g.status::text, g.stage into generation
    from coursegen.generations g
    where g.course_id = p_course_id
    order by g.created_at desc
    limit 1;
    return case
        when place = 'generation_status' and generation.status is distinct from (
            select m.status from coursegen.status_map m where m.value = shown and m.status = generation.status
        ) then shown
        when generation.status in ('completed', 'failed', 'cancelled') then generation.status
        when exists (select from coursegen.attempts a where a.generation_id = generation.id)
            then coursegen.stage_status(generation.stage)
        when generation.id is not null then 'initializing'
    end;
end
$$;
