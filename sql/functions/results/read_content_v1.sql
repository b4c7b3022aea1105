-- A finished course, as clients read it; null if the generation has none.
create or replace function coursegen.read_content_v1(p_generation_id uuid) returns json
language sql stable
as $$
    select json_build_object(
        'courseId', c.id, 'slug', c.slug, 'title', c.title, 'jobId', g.id,
        'completedAt', to_char(g.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'sections', (
            select coalesce(json_agg(json_build_object(
                'number', s.number, 'title', s.title,
                'lessons', (
                    select coalesce(json_agg(json_build_object(
                        'number', l.number, 'title', l.title, 'goals', l.goals, 'sources', l.sources, 'text', d.body
                    ) order by l.number), '[]')
                    from coursegen.lessons l
                    left join coursegen.drafts d on d.generation_id = l.generation_id and d.lesson_number = l.number
                    where l.generation_id = g.id and l.section_number = s.number
                )
            ) order by s.number), '[]')
            from coursegen.sections s
            where s.generation_id = g.id
        ),
        'documents', (
            select coalesce(json_agg(json_build_object(
                'id', d.file_id, 'name', d.name, 'mimeType', d.mime_type, 'wasRead', d.error is null, 'error', d.error
            ) order by d.position), '[]')
            from coursegen.documents d
            where d.generation_id = g.id
        ),
        'summary', f.summary,
        'published', (
            select json_build_object(
                'mode', p.mode, 'at', to_char(p.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'result', p.result
            )
            from coursegen.publications p
            where p.generation_id = g.id
            order by p.published_at desc
            limit 1
        )
    )
    from coursegen.generations g
    join coursegen.finished_courses f on f.generation_id = g.id
    join public.courses c on c.id = g.course_id
    where g.id = p_generation_id
$$;
