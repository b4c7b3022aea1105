-- A finished course, as clients read it; null if the generation has none.
create or replace function coursegen.read_content_v1(p_generation_id uuid) returns json
language sql stable
as $$
    select json_build_object(
        'courseId', c.id, 'slug', c.slug, 'title', c.title, 'jobId', g.id,
        'completedAt', to_char(g.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'sections', coursegen.read_sections(g.id), 'documents', coursegen.read_documents(g.id),
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
