-- name: insert_events
select coursegen.insert_events_v1(%(events)s);
