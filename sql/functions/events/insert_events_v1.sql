-- Writes events, each with its own time: it happened `age_s` seconds ago. If the outcome of a first write was unknown, an
-- event is written again, and its count may have risen since. An id that a foreign key of the platform refuses, as after
-- the course was deleted, is kept in the metadata alone.
create or replace function coursegen.insert_events_v1(p_events jsonb) returns void
language plpgsql
as $$
declare
    event jsonb;
    refused text[];
begin
    insert into coursegen.written_events (id, "timestamp")
    select (e.value ->> 'id')::uuid, now() from jsonb_array_elements(p_events) e
    on conflict do nothing;
    begin
        insert into public.system_metrics as m (
            id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp"
        )
        select e.id, e.event_type, e.severity, e.user_id, e.course_id, e.job_id, e.metadata,
            clock_timestamp() - make_interval(secs => e.age_s)
        from jsonb_to_recordset(p_events) as e (
            id uuid, event_type public.metric_event_type, severity public.metric_severity, user_id uuid, course_id uuid,
            job_id text, metadata jsonb, age_s double precision
        )
        on conflict (id) do update set metadata = excluded.metadata;
        return;
    exception when foreign_key_violation then
        null;  -- below, each by itself
    end;
    for event in select e.value from jsonb_array_elements(p_events) e loop
        foreach refused slice 1 in array array[['', ''], ['course_id', ''], ['user_id', ''], ['course_id', 'user_id']] loop
            begin
                insert into public.system_metrics as m (
                    id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp"
                )
                select e.id, e.event_type, e.severity, e.user_id, e.course_id, e.job_id,
                    e.metadata || (
                        select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(event)
                        where key = any (refused)
                    ),
                    clock_timestamp() - make_interval(secs => e.age_s)
                from jsonb_to_record(event - refused) as e (
                    id uuid, event_type public.metric_event_type, severity public.metric_severity, user_id uuid,
                    course_id uuid, job_id text, metadata jsonb, age_s double precision
                )
                on conflict (id) do update set metadata = excluded.metadata;
                exit;
            exception when foreign_key_violation then
                null;  -- the next has one id less
            end;
        end loop;
    end loop;
end
$$;
