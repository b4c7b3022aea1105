-- The new generation has the results of the stages that the failed one completed. Returns these stages.
create or replace function coursegen.carry_over_results(p_failed_id uuid, p_generation_id uuid) returns setof coursegen.stage
language plpgsql
as $$
begin
    insert into coursegen.documents (generation_id, position, file_id, name, mime_type, body, headings, error, title, fault)
    select p_generation_id, position, file_id, name, mime_type, body, headings, error, title, fault
    from coursegen.documents where generation_id = p_failed_id;
    insert into coursegen.briefs (generation_id, brief)
    select p_generation_id, brief from coursegen.briefs where generation_id = p_failed_id;
    insert into coursegen.sections (generation_id, number, title)
    select p_generation_id, number, title from coursegen.sections where generation_id = p_failed_id;
    insert into coursegen.lessons (generation_id, number, section_number, title, goals, sources)
    select p_generation_id, number, section_number, title, goals, sources
    from coursegen.lessons where generation_id = p_failed_id;
    insert into coursegen.drafts (generation_id, lesson_number, body)
    select p_generation_id, lesson_number, body from coursegen.drafts where generation_id = p_failed_id;
    return query
        insert into coursegen.stage_results (generation_id, stage, attempt_id, finished_at)
        select p_generation_id, r.stage, r.attempt_id, r.finished_at
        from coursegen.stage_results r where r.generation_id = p_failed_id
        returning stage_results.stage;
end
$$;
