-- Stores the stage's result.
create or replace function coursegen.store_stage_result(p_generation_id uuid, p_stage text, p_result json) returns void
language plpgsql
as $$
begin
    case p_stage
        when 'DOCUMENT_PROCESSING' then
            insert into coursegen.documents (
                generation_id, position, file_id, name, mime_type, body, headings, error, title, fault
            )
            select
                p_generation_id, d.position, d.file_id, d.name, d.mime_type, d.body, d.headings, d.error, d.title, d.fault
            from json_populate_recordset(null::coursegen.documents, p_result) d;
            perform coursegen.record_reader_faults_v1(p_generation_id, jsonb_agg(d.fault))
            from coursegen.documents d
            where d.generation_id = p_generation_id and jsonb_typeof(d.fault) = 'object';
        when 'STRUCTURE_ANALYSIS' then
            insert into coursegen.briefs (generation_id, brief) values (p_generation_id, p_result::jsonb);
        when 'STRUCTURE_GENERATION' then
            insert into coursegen.sections (generation_id, number, title)
            select p_generation_id, s.number, s.title
            from json_populate_recordset(null::coursegen.sections, p_result -> 'sections') s;
            insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
            select p_generation_id, l.number, l.section_number, l.title, l.goals, l.sources
            from json_populate_recordset(null::coursegen.lessons, p_result -> 'lessons') l;
        when 'TEXT_GENERATION' then
            insert into coursegen.drafts (generation_id, lesson_number, body)
            select p_generation_id, d.lesson_number, d.body
            from json_populate_recordset(null::coursegen.drafts, p_result) d;
        when 'FINALIZATION' then
            insert into coursegen.finished_courses (generation_id, body, summary)
            values (p_generation_id, p_result ->> 'body', (p_result -> 'summary')::jsonb);
    end case;
end
$$;
