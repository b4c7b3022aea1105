-- What a generation finished that failed or was cancelled, as clients read it; null if that is no lesson. As read_content_v1,
-- and marked: `unfinished` says how it ended.
create or replace function coursegen.read_stopped_v1(p_generation_id uuid) returns json
language sql stable
as $$
    select json_build_object(
        'courseId', c.id, 'slug', c.slug, 'title', c.title, 'jobId', g.id, 'completedAt', null,
        'unfinished', json_build_object(
            'status', g.status, 'error', g.error_message,
            'endedAt', to_char(g.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'lessonsCompleted', (select count(*) from coursegen.stopped_texts_v1(g.id))
        ),
        'sections', coursegen.read_sections(g.id), 'documents', coursegen.read_documents(g.id),
        'summary', '{}'::json, 'published', null
    )
    from coursegen.generations g
    join public.courses c on c.id = g.course_id
    where g.id = p_generation_id and exists (select from coursegen.stopped_texts_v1(g.id))
$$;
