-- The sections of a generation with their lessons, as clients read them. A lesson that is not finished has no text.
create or replace function coursegen.read_sections(p_generation_id uuid) returns json
language sql stable
as $$
    select coalesce(json_agg(json_build_object(
        'number', s.number, 'title', s.title,
        'lessons', (
            select coalesce(json_agg(json_build_object(
                'number', l.number, 'title', l.title, 'goals', l.goals, 'sources', l.sources,
                'text', coalesce(d.body, t.body)
            ) order by l.number), '[]')
            from coursegen.lessons l
            left join coursegen.drafts d on d.generation_id = l.generation_id and d.lesson_number = l.number
            left join coursegen.stopped_texts_v1(p_generation_id) t on t.lesson_number = l.number
            where l.generation_id = p_generation_id and l.section_number = s.number
        )
    ) order by s.number), '[]')
    from coursegen.sections s
    where s.generation_id = p_generation_id
$$;
