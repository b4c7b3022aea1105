-- name: insert_events
-- Events, each of which happened so many seconds ago.
insert into system_metrics (event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
select event_type, severity, user_id, course_id, job_id, metadata, clock_timestamp() - make_interval(secs => age_s)
from jsonb_to_recordset(%(events)s) as event (
    event_type metric_event_type, severity metric_severity, user_id uuid, course_id uuid, job_id text, metadata jsonb,
    age_s double precision
);
