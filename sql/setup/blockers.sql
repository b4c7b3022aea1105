-- The sessions that the session of this pid waits for, each with a description.
select pid, concat(
    'pid ', pid, ' (', coalesce(nullif(application_name, ''), 'without application_name'), ', ', state,
    ', in a transaction since ', to_char(xact_start, 'HH24:MI:SS'), '): ',
    left(regexp_replace(query, '\s+', ' ', 'g'), 120)
)
from pg_stat_activity
where pid = any (pg_blocking_pids(%(pid)s));
