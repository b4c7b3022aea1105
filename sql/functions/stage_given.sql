-- What earlier stages of the generation stored, as far as a stage needs it, each in order. As JSON, which is one row for
-- what else would be a statement each.
create or replace function coursegen.stage_given(
    p_generation_id uuid, p_needs text[], out documents json, out brief jsonb, out outline json, out drafts json
)
language plpgsql stable
as $$
#variable_conflict use_column
begin
    if 'documents' = any (p_needs) then
        select json_agg(json_build_object(
            'file_id', d.file_id, 'name', d.name, 'mime_type', d.mime_type, 'text', d.body, 'headings', d.headings,
            'error', d.error
        ) order by d.position)
        into documents
        from coursegen.documents d where d.generation_id = p_generation_id;
    end if;
    if 'brief' = any (p_needs) then
        select b.brief into brief from coursegen.briefs b where b.generation_id = p_generation_id;
    end if;
    if 'outline' = any (p_needs) then
        select json_agg(json_build_object(
            'section', s.number, 'section_title', s.title,
            'title', l.title, 'goals', l.goals, 'sources', l.sources
        ) order by l.number)
        into outline
        from coursegen.sections s
        join coursegen.lessons l on l.generation_id = s.generation_id and l.section_number = s.number
        where s.generation_id = p_generation_id;
    end if;
    if 'drafts' = any (p_needs) then
        select json_agg(json_build_object('lesson', d.lesson_number, 'text', d.body) order by d.lesson_number)
        into drafts
        from coursegen.drafts d where d.generation_id = p_generation_id;
    end if;
end
$$;
