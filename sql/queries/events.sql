-- name: insert_events
select coursegen.insert_events(%(events)s);
