-- name: prune_events
-- Those that this service wrote; a platform keeps its own.
with old as (
    select id from coursegen.written_events
    where "timestamp" < now() - interval '90 days'
    order by "timestamp" limit %(batch)s
),
gone as (
    delete from system_metrics where id in (select id from old)
)
delete from coursegen.written_events where id in (select id from old);

-- name: prune_refusals
delete from coursegen.events
where id in (
    select id from coursegen.events
    where "timestamp" < now() - interval '90 days'
    order by "timestamp" limit %(batch)s
);

-- name: prune_attempts
-- Only those of final generations.
delete from coursegen.attempts
where id in (
    select attempt.id
    from coursegen.attempts attempt
    join coursegen.generations generation on generation.id = attempt.generation_id
    where attempt.started_at < now() - interval '90 days' and generation.finished_at is not null
    limit %(batch)s
);

-- name: prune_generations
-- Final ones, and by cascade what they left. A course keeps its newest and its newest completed one.
delete from coursegen.generations
where id in (
    select old.id
    from coursegen.generations old
    where old.finished_at < now() - interval '90 days'
        and exists (
            select from coursegen.generations newer
            where newer.course_id = old.course_id and newer.created_at > old.created_at
        )
        and (old.status <> 'completed' or exists (
            select from coursegen.generations newer
            where newer.course_id = old.course_id and newer.created_at > old.created_at and newer.status = 'completed'
        ))
    limit %(batch)s
);

-- name: prune_units
-- Those that no run has used for so long.
delete from coursegen.units
where (course_id, stage, unit, hash) in (
    select course_id, stage, unit, hash from coursegen.units
    where used_at < now() - interval '90 days'
    order by used_at limit %(batch)s
);

-- name: prune_workers
-- Jobs of such a worker are left without one, and count as orphaned.
with gone as (
    delete from coursegen.workers where last_heartbeat < now() - interval '1 day'
)
delete from procrastinate_workers
where id in (
    select id from procrastinate_workers where last_heartbeat < now() - interval '1 day' limit %(batch)s
);

-- name: prune_idempotency_keys
-- The time is checked twice: a key that is used again meanwhile stays.
delete from coursegen.idempotency_keys
where created_at <= now() - interval '1 day' and (user_id, key) in (
    select user_id, key from coursegen.idempotency_keys
    where created_at <= now() - interval '1 day'
    order by created_at limit %(batch)s
);

-- name: prune_webhook_deliveries
-- With their attempts, by cascade.
delete from coursegen.webhook_deliveries
where (generation_id, seq) in (
    select generation_id, seq from coursegen.webhook_deliveries
    where created_at < now() - interval '30 days'
    order by created_at limit %(batch)s
);

-- name: prune_webhook_turns
delete from coursegen.webhook_turns
where user_id in (select user_id from coursegen.webhook_turns where at < now() - interval '1 day' limit %(batch)s);

-- name: prune_processes
delete from coursegen.processes
where process in (
    select process from coursegen.processes where seen_at < now() - interval '1 day' limit %(batch)s
);

-- name: keep_worker
-- One statement, so that worker and process are seen to live together.
select worker.outcome
from coursegen.keep_worker_v1(%(id)s, %(process)s, %(name)s, %(version)s, %(queues)s, %(jobs)s) worker
cross join coursegen.keep_process_v1(
    %(process)s, %(kind)s, %(version)s, %(settings)s, %(places)s, %(cpu_pressure)s, %(memory_available)s,
    %(memory_total)s, %(is_new)s
);

-- name: remove_worker
with process as (
    delete from coursegen.processes
    where process = (select process from coursegen.workers where id = %(id)s)
)
delete from coursegen.workers where id = %(id)s;

-- name: keep_process
select coursegen.keep_process_v1(
    %(process)s, %(kind)s, %(version)s, %(settings)s, %(places)s, %(cpu_pressure)s, %(memory_available)s,
    %(memory_total)s, %(is_new)s
);

-- name: remove_process
delete from coursegen.processes where process = %(process)s;

-- name: read_situation
select * from coursegen.read_situation_v1(%(stalled)s, %(window_s)s);

-- name: move_limit
select coursegen.move_limit_v1(%(from)s, %(to)s, %(reason)s, %(facts)s);

-- name: age_generations
select * from coursegen.age_generations_v1(%(span_s)s, %(batch)s);

-- name: list_aging
select * from coursegen.list_aging_v1(%(span_s)s);
