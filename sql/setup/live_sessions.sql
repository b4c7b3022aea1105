-- Sessions of the service's own processes, and workers with a recent heartbeat, if the queue is used by this service alone.
select concat('pid ', pid, ' (', application_name, ')') from pg_stat_activity
where datname = current_database() and application_name like 'course-generation%'
union all
select concat('worker ', id) from public.procrastinate_workers
where last_heartbeat > now() - interval '30 seconds'
    and not exists (select from coursegen.queue_migrations where was_there);
