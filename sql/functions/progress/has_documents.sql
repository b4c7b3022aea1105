-- Whether the progress names files to process. Anything but a filled array counts as none.
create or replace function coursegen.has_documents(p_progress jsonb) returns boolean
language sql immutable parallel safe
as $$
    select coalesce(jsonb_typeof(p_progress -> 'files') = 'array' and p_progress -> 'files' <> '[]', false)
$$;
