-- Records an event of the generation. A platform that refuses it, or is too slow for it, does not stop the verb.
create or replace function coursegen.record_event(
    g coursegen.generations, p_type text, p_severity text, p_metadata jsonb default '{}'
) returns void
language plpgsql
as $$
begin
    with written as (insert into coursegen.written_events (id, "timestamp") values (gen_random_uuid(), now()) returning id)
    insert into public.system_metrics (id, event_type, severity, user_id, course_id, job_id, metadata)
    select
        written.id, p_type::public.metric_event_type, p_severity::public.metric_severity, g.user_id, g.course_id, g.id::text,
        jsonb_build_object('stage', g.stage, 'request_id', g.request_id) || p_metadata
    from written;
    set constraints all immediate;  -- as in write_course
exception when others or query_canceled then
    if sqlstate like '53%' then
        raise;
    end if;
    raise warning 'An event % was refused: %', p_type, sqlerrm;
end
$$;
