-- How many stages the live workers can run at once. A worker of an earlier release does not say; it has one place at least.
create or replace function coursegen.live_places_v1(p_stalled_s float) returns int
language sql stable
as $$
    select coalesce(sum(coalesce(process.places, 1)), 0)::int
    from coursegen.workers worker
    left join coursegen.processes process on process.process = worker.process
    where 'stages' = any (worker.queues) and worker.last_heartbeat > now() - make_interval(secs => p_stalled_s)
$$;
