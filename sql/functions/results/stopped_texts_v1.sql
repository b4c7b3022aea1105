-- The lessons of a generation that were finished and saved, by it or by an earlier one with the same lesson, though the
-- generation itself did not come to its end.
create or replace function coursegen.stopped_texts_v1(p_generation_id uuid)
returns table (lesson_number int, body text)
language sql stable
as $$
    select distinct on (l.number) l.number, case jsonb_typeof(u.result)
        when 'string' then u.result #>> '{}' when 'object' then u.result ->> 'text'
    end
    from coursegen.generations g
    join coursegen.lessons l on l.generation_id = g.id
    join coursegen.units u
        on u.course_id = g.course_id and u.stage = 'TEXT_GENERATION' and u.unit = l.number::text and u.saved_at <= g.finished_at
    join coursegen.lessons made
        on made.generation_id = u.generation_id and made.number = l.number and made.title = l.title
    where g.id = p_generation_id and g.status in ('failed', 'cancelled')
    order by l.number, u.used_at desc
$$;
