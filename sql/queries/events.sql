-- name: insert_events
-- Each event happened `age_s` seconds ago. If the outcome of a first write was unknown, the event is written again, and its
-- count may have risen since.
insert into system_metrics (id, event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
select id, event_type, severity, user_id, course_id, job_id, metadata, clock_timestamp() - make_interval(secs => age_s)
from jsonb_to_recordset(%(events)s) as event (
    id uuid, event_type metric_event_type, severity metric_severity, user_id uuid, course_id uuid, job_id text,
    metadata jsonb, age_s double precision
)
on conflict (id) do update set metadata = excluded.metadata;
