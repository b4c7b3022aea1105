-- The documents of a generation, as clients read them: whether each was read, and if not why.
create or replace function coursegen.read_documents(p_generation_id uuid) returns json
language sql stable
as $$
    select coalesce(json_agg(json_build_object(
        'id', d.file_id, 'name', d.name, 'mimeType', d.mime_type, 'wasRead', d.error is null, 'error', d.error
    ) order by d.position), '[]')
    from coursegen.documents d
    where d.generation_id = p_generation_id
$$;
