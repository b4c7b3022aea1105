-- name: insert_event
insert into system_metrics (event_type, severity, user_id, course_id, job_id, metadata, "timestamp")
values (%(event_type)s, %(severity)s, %(user_id)s, %(course_id)s, %(job_id)s, %(metadata)s, %(at)s);
