-- name: prune_events
with gone as (
    delete from system_metrics
    where id in (
        select id from system_metrics
        where "timestamp" < now() - make_interval(days => %(days)s)
        order by "timestamp" limit %(batch)s
    )
    returning 1
)
select count(*) as deleted from gone;

-- name: prune_attempts
with gone as (
    delete from coursegen.attempts
    where id in (
        select attempt.id
        from coursegen.attempts attempt
        join coursegen.generations generation on generation.id = attempt.generation_id
        where attempt.started_at < now() - make_interval(days => %(days)s)
            and generation.finished_at is not null
        limit %(batch)s
    )
    returning 1
)
select count(*) as deleted from gone;

-- name: prune_workers
-- Their jobs, if any are left, then have no worker, which is as good as a dead one.
with gone as (
    delete from procrastinate_workers
    where id in (
        select id from procrastinate_workers where last_heartbeat < now() - interval '1 day' limit %(batch)s
    )
    returning 1
)
select count(*) as deleted from gone
where %(days)s > 0;

-- name: prune_idempotency_keys
-- A day is what a key is good for. Its time is asked for twice: one that is used anew meanwhile stays.
with gone as (
    delete from coursegen.idempotency_keys
    where created_at <= now() - interval '1 day' and (user_id, key) in (
        select user_id, key from coursegen.idempotency_keys
        where created_at <= now() - interval '1 day'
        order by created_at limit %(batch)s
    )
    returning 1
)
select count(*) as deleted from gone;
