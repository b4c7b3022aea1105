-- Whether a progress lacks five steps with ids 1 to 5 in order and known statuses. Other keys do not matter.
-- A strict path: a lax one looks through arrays, and would accept [[{"id": 1, …}], …] for steps.
create or replace function coursegen.is_malformed_progress(p_progress jsonb) returns boolean
language sql immutable parallel safe
as $$
    select pg_catalog.jsonb_path_query_array(
        p_progress,
        'strict $.steps ? (@.size() == 5)[*] ? (
            @.status == "pending" || @.status == "in_progress" || @.status == "completed" || @.status == "failed"
        ).id'::jsonpath,
        silent => true
    ) is distinct from '[1, 2, 3, 4, 5]'
$$;
