-- The status of a course whose generation runs the stage.
create or replace function coursegen.stage_status(p_stage coursegen.stage) returns text
language sql immutable parallel safe
as $$
    select case p_stage
        when 'DOCUMENT_PROCESSING' then 'processing_documents'
        when 'STRUCTURE_ANALYSIS' then 'analyzing_task'
        when 'STRUCTURE_GENERATION' then 'generating_structure'
        when 'TEXT_GENERATION' then 'generating_content'
        else 'finalizing'
    end
$$;
