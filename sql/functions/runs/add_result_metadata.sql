-- The changes of a completed stage, the first of them its step's, with what the course's owner should know of the result in
-- the metadata: `documents`, of which some were not read; `outline`, where it does not follow the course's estimates.
create or replace function coursegen.add_result_metadata(
    p_generation_id uuid, p_stage text, p_result json, p_changes jsonb
) returns jsonb
language plpgsql stable
as $$
declare
    described constant jsonb := case p_stage
        when 'DOCUMENT_PROCESSING' then jsonb_build_object('documents', coursegen.unread_documents(p_generation_id))
        when 'STRUCTURE_GENERATION' then jsonb_build_object('outline', case
            when json_typeof(p_result -> 'notes') = 'array' and json_array_length(p_result -> 'notes') > 0
                then jsonb_build_object('notes', p_result -> 'notes')
        end)
    end;
begin
    if described is null or jsonb_strip_nulls(described) = '{}' then
        return p_changes;
    end if;
    return jsonb_set(p_changes, '{0,metadata}', coalesce(p_changes #> '{0,metadata}', '{}') || described);
end
$$;
