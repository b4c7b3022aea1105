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
group by event.metadata ->> 'format';
