-- name: insert_event
-- An event that happened so many seconds ago.
insert into system_metrics (event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
values (
    %(event_type)s, %(severity)s, %(user_id)s, %(course_id)s, %(job_id)s, %(metadata)s,
    clock_timestamp() - make_interval(secs => %(age_s)s)
);
