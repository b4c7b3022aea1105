-- What a stage knows of its course. Only texts are read from the course's JSON: the rest may hold what no reader but
-- PostgreSQL parses.
create or replace function coursegen.stage_course(p_course public.courses) returns jsonb
language plpgsql stable
as $$
begin
    return jsonb_build_object(
        'id', p_course.id,
        'title', p_course.title,
        'language', p_course.language,
        'style', p_course.style,
        'course_description', p_course.course_description,
        'target_audience', p_course.target_audience,
        'difficulty', p_course.difficulty,
        'lesson_duration_minutes', p_course.lesson_duration_minutes,
        'learning_outcomes',
            jsonb_path_query_array(to_jsonb(p_course.learning_outcomes), '$[*] ? (@.type() == "string")'),
        'estimated_lessons', p_course.estimated_lessons,
        'estimated_sections', p_course.estimated_sections,
        'content_strategy', p_course.content_strategy,
        'output_formats', jsonb_path_query_array(to_jsonb(p_course.output_formats), '$[*] ? (@.type() == "string")'),
        'files', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', file ->> 'id', 'name', file ->> 'name', 'path', file ->> 'path', 'mime_type', file ->> 'mime_type'
            ) order by position), '[]')
            from jsonb_array_elements(
                case when jsonb_typeof(p_course.generation_progress -> 'files') = 'array'
                    then p_course.generation_progress -> 'files'
                    else '[]'
                end
            ) with ordinality as files (file, position)
        )
    );
end
$$;
