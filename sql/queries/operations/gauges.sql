-- name: list_gauges
-- How much is under way and how long it has waited. Each part reads only active rows, through an index.
with active as (
    select status from coursegen.generations where finished_at is null
),
ready as (
    select queue_name, count(*) as jobs, min(id) as oldest
    from procrastinate_jobs
    where status = 'todo' and (scheduled_at is null or scheduled_at <= now())
    group by queue_name
)
select 'generations' as name, status.name as label,
    (select count(*) from active where active.status::text = status.name)::double precision as value
from (values ('queued'), ('running')) status (name)
union all
select 'slots_limit', '', coursegen.limit_in_force_v1(%(limit)s)
union all
select 'paused', c.name, 1 from coursegen.controls c where c.value is null
union all
select 'jobs', queue.name, coalesce(ready.jobs, 0)
from unnest(%(queues)s::text[]) queue (name)
left join ready on ready.queue_name = queue.name
union all
-- The age of the oldest job, or the time since it was due if it was scheduled for later.
select 'oldest_job', queue.name, coalesce(extract(epoch from now() - greatest(event.at, job.scheduled_at)), 0)
from unnest(%(queues)s::text[]) queue (name)
left join ready on ready.queue_name = queue.name
left join procrastinate_jobs job on job.id = ready.oldest
left join procrastinate_events event on event.job_id = job.id and event.type = 'deferred'
union all
select 'workers', queue.name, coursegen.live_workers_v1(queue.name, %(stalled)s)
from unnest(%(queues)s::text[]) queue (name)
union all
select 'webhooks', '', count(*) from coursegen.webhook_deliveries where state = 'pending'
union all
select 'oldest_webhook', '', coalesce(extract(epoch from now() - min(created_at)), 0)
from coursegen.webhook_deliveries
where state = 'pending'
union all
select 'reader_faults', event.metadata ->> 'format', count(*)
from coursegen.events event
where event.event_type = 'document_reader_failed' and event."timestamp" > now() - interval '1 day'
group by event.metadata ->> 'format'
union all
select 'slots', '', (select count(*) from coursegen.generations where system_slot is not null)
union all
select 'paused_generations', reason.name,
    (select count(*) from coursegen.generations where finished_at is null and paused_why = reason.name)
from (values ('provider_busy'), ('stage_full'), ('stage_paused')) reason (name)
union all
select 'stuck', '', count(*)
from coursegen.generations generation
where finished_at is null and coursegen.stuck_s_v1(generation, %(stuck_s)s) is not null
union all
-- One that waits for a busy sender of its user or host is not overdue.
select figure.name, '', figure.value
from (
    select
        greatest(extract(epoch from now() - min(due_at) filter (where senders_of_user + senders_of_host = 0)), 0) as overdue_s,
        count(*) filter (where failures >= 3) as failing
    from coursegen.list_webhook_heads_v1()
) head
cross join lateral (values ('overdue', coalesce(head.overdue_s, 0)), ('failing', head.failing)) figure (name, value)
union all
select 'events', type.name, (
    select count(*) from system_metrics
    where severity in ('error', 'fatal') and event_type::text = type.name and "timestamp" > now() - interval '1 hour'
)
from (values ('job_rollback'), ('rpc_retry_exhausted'), ('worker_timeout')) type (name)
union all
select 'spending', figure.unit, coalesce(figure.value, 0)
from (
    select sum(spending.calls) as calls, sum(spending.tokens) as tokens, sum(spending.money) as money
    from coursegen.generations generation
    join coursegen.spending spending on spending.generation_id = generation.id
    where generation.created_at > now() - interval '1 day'
) spent
cross join lateral (values ('calls', spent.calls), ('tokens', spent.tokens), ('money', spent.money)) figure (unit, value);
