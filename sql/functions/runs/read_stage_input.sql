-- The input of a stage: its course, and the results of earlier stages of the generation that it needs, in order.
-- Only texts are read from the course's JSON: other values may be more than another parser accepts.
create or replace function coursegen.read_stage_input(g coursegen.generations, p_needs text[]) returns json
language plpgsql stable
as $$
-- A table without a column settings has the variable in its place, which is null.
#variable_conflict use_column
declare
    settings constant jsonb := null;
    texts constant jsonpath := '$[*] ? (@.type() == "string")';
begin
    return json_build_object(
        'course', (
            select row_to_json(course) from (
                select
                    c.id, c.title, c.language, c.style, c.course_description, c.target_audience, c.difficulty,
                    coalesce(
                        to_jsonb(c.lesson_duration_minutes),
                        to_jsonb(substring(to_jsonb(settings) ->> 'lesson_duration_minutes' from '^[0-9]{1,4}$')::int)
                    ) as lesson_duration_minutes,
                    c.estimated_lessons, c.estimated_sections, c.content_strategy,
                    jsonb_path_query_array(to_jsonb(c.learning_outcomes), texts) as learning_outcomes,
                    jsonb_path_query_array(to_jsonb(c.output_formats), texts) as output_formats,
                    (
                        select coalesce(json_agg(json_build_object(
                            'id', file.id, 'name', file.name, 'path', file.path, 'mime_type', file.mime_type
                        ) order by file.position), '[]')
                        from coursegen.course_files(c.id) with ordinality as file (id, name, path, mime_type, position)
                    ) as files
                from public.courses c
                where c.id = g.course_id
            ) course
        ),
        'documents', case when 'documents' = any (p_needs) then (
            select json_agg(case
                -- Workers of an earlier release don't ask for the title, and do not know it.
                when 'titles' = any (p_needs) then json_build_object(
                    'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body,
                    'headings', d.headings, 'error', d.error, 'title', coalesce(d.title, '')
                )
                else json_build_object(
                    'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body,
                    'headings', d.headings, 'error', d.error
                )
            end order by d.position)
            from coursegen.documents d where d.generation_id = g.id
        ) end,
        'brief', case when 'brief' = any (p_needs) then (
            select b.brief from coursegen.briefs b where b.generation_id = g.id
        ) end,
        'outline', case when 'outline' = any (p_needs) then (
            select json_agg(json_build_object(
                'section', s.number, 'section_title', s.title,
                'title', l.title, 'goals', l.goals, 'sources', l.sources
            ) order by l.number)
            from coursegen.sections s
            join coursegen.lessons l on l.generation_id = s.generation_id and l.section_number = s.number
            where s.generation_id = g.id
        ) end,
        'drafts', case when 'drafts' = any (p_needs) then (
            select json_agg(json_build_object('lesson', d.lesson_number, 'text', d.body) order by d.lesson_number)
            from coursegen.drafts d where d.generation_id = g.id
        ) end
    );
end
$$;
