-- What a stage is given: its course and what earlier stages of the generation stored, as far as it needs it, in order.
create or replace function coursegen.read_stage_input(g coursegen.generations, p_needs text[]) returns json
language plpgsql stable
as $$
begin
    return json_build_object(
        'course', (select coursegen.stage_course(c) from public.courses c where c.id = g.course_id),
        'documents', case when 'documents' = any (p_needs) then (
            select json_agg(json_build_object(
                'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body,
                'headings', d.headings, 'error', d.error
            ) order by d.position)
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
