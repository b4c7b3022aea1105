-- What operators search by. Rows of these indexes are rare: starts that failed, and events that the platform's own do not have.
create index attempts_failed on coursegen.attempts (generation_id) where error is not null;
create index events_type on coursegen.events (event_type, "timestamp" desc);
create index events_course on coursegen.events (course_id, "timestamp" desc) where course_id is not null;

-- migrate:down
drop index coursegen.attempts_failed, coursegen.events_type, coursegen.events_course;
