-- Records an event of a type that the platform's events do not have.
-- As its owner: the service's role can't write them past this function.
create or replace function coursegen.record_own_event(
    p_type text, p_severity text, p_generation_id uuid, p_metadata jsonb
) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
    insert into coursegen.events (event_type, severity, user_id, course_id, job_id, metadata)
    select p_type, p_severity::public.metric_severity, g.user_id, g.course_id, g.id::text, p_metadata
    from coursegen.generations g
    where g.id = p_generation_id
$$;
