-- As its owner: the service's role can't write events past such functions.
create or replace function coursegen.record_limit_change(p_metadata jsonb) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into coursegen.events (event_type, severity, metadata) values ('limit_changed', 'info', p_metadata)
$$;
