-- How many documents the generation has, and which of them could not be read, with the reason; null if all were read.
create or replace function coursegen.unread_documents(p_generation_id uuid) returns jsonb
language sql stable
as $$
    select jsonb_build_object(
        'total', count(*),
        'unread', jsonb_agg(
            jsonb_build_object('id', left(d.file_id, 200), 'name', left(d.name, 200), 'error', left(d.error, 500))
            order by d.position
        ) filter (where d.error is not null)
    )
    from coursegen.documents d
    where d.generation_id = p_generation_id
    having count(d.error) > 0
$$;
