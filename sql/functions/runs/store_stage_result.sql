-- Stores the stage's result.
create or replace function coursegen.store_stage_result(p_generation_id uuid, p_stage text, p_result json) returns void
language plpgsql
as $$
begin
    case p_stage
        when 'DOCUMENT_PROCESSING' then
            insert into coursegen.documents (
                generation_id, position, file_id, name, mime_type, body, headings, error
            )
            select p_generation_id, d.position, d.file_id, d.name, d.mime_type, d.body, d.headings, d.error
            from json_to_recordset(p_result) as d (
                position int, file_id text, name text, mime_type text, body text, headings jsonb, error text
            );
        when 'STRUCTURE_ANALYSIS' then
            insert into coursegen.briefs (generation_id, brief) values (p_generation_id, p_result::jsonb);
        when 'STRUCTURE_GENERATION' then
            insert into coursegen.sections (generation_id, number, title)
            select p_generation_id, s.number, s.title
            from json_to_recordset(p_result -> 'sections') as s (number int, title text);
            insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
            select p_generation_id, l.number, l.section_number, l.title, l.goals, l.sources
            from json_to_recordset(p_result -> 'lessons') as l (
                number int, section_number int, title text, goals jsonb, sources jsonb
            );
        when 'TEXT_GENERATION' then
            insert into coursegen.drafts (generation_id, lesson_number, body)
            select p_generation_id, d.lesson_number, d.body
            from json_to_recordset(p_result) as d (lesson_number int, body text);
        when 'FINALIZATION' then
            insert into coursegen.finished_courses (generation_id, body, summary)
            select p_generation_id, c.body, c.summary from json_to_record(p_result) as c (body text, summary jsonb);
    end case;
end
$$;
