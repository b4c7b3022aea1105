-- How many workers serve the queue and have given a sign of life within p_stalled_s.
create or replace function coursegen.live_workers_v1(p_queue text, p_stalled_s float) returns bigint
language sql stable
as $$
    select count(*) from coursegen.workers w
    where w.last_heartbeat > now() - make_interval(secs => p_stalled_s) and p_queue = any(w.queues)
$$;
