-- Whether the progress names files to work on; whatever is not a list of them counts as none.
create or replace function coursegen.has_documents(p_progress jsonb) returns boolean
language sql immutable parallel safe
as $$
    select coalesce(jsonb_typeof(p_progress -> 'files') = 'array' and p_progress -> 'files' <> '[]', false)
$$;
