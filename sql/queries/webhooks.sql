-- name: lock_webhook
-- The generation, under the lock that whoever queues a job of its webhook holds.
select id from coursegen.generations where id = %(generation_id)s for no key update;

-- name: schedule_delivery
select coursegen.schedule_delivery(%(generation_id)s) as scheduled;

-- name: claim_webhook_delivery
-- The first delivery that waits, if it is due and nobody else's: ours for so many seconds.
update coursegen.webhook_deliveries delivery
set held_until = now() + make_interval(secs => %(hold)s)
from coursegen.generations generation
where generation.id = %(generation_id)s and delivery.generation_id = generation.id and delivery.state = 'pending'
    and delivery.seq = (
        select min(seq) from coursegen.webhook_deliveries where generation_id = %(generation_id)s and state = 'pending'
    )
    and delivery.due_at <= now() and coalesce(delivery.held_until, '-infinity') <= now()
returning
    delivery.generation_id, delivery.seq, delivery.held_until, delivery.failures, delivery.status, delivery.step,
    delivery.percentage, delivery.message, delivery.error, generation.course_id, generation.webhook_url as url,
    extract(epoch from delivery.give_up_at - now()) as left_s;

-- name: insert_webhook_attempt
insert into coursegen.webhook_attempts (generation_id, seq, ms, status, error, excerpt)
values (%(generation_id)s, %(seq)s, %(ms)s, %(status)s, %(error)s, %(excerpt)s);

-- name: finish_webhook_delivery
-- The delivery is over, if it is still ours.
update coursegen.webhook_deliveries
set state = %(state)s, finished_at = now(), held_until = null, failures = failures + %(failed)s
where generation_id = %(generation_id)s and seq = %(seq)s and state = 'pending' and held_until = %(held_until)s
returning seq;

-- name: close_webhook
-- Nothing of the generation is sent any more.
update coursegen.webhook_deliveries
set state = 'gone', finished_at = now(), held_until = null
where generation_id = %(generation_id)s and state = 'pending';

-- name: put_off_webhook_delivery
-- The delivery is due again later, if it is still ours.
update coursegen.webhook_deliveries
set due_at = now() + make_interval(secs => %(seconds)s), held_until = null, failures = failures + %(failed)s
where generation_id = %(generation_id)s and seq = %(seq)s and state = 'pending' and held_until = %(held_until)s
returning seq;

-- name: renew_webhook_deliveries
-- The delivery of that number, or all that were not delivered, are due now, as new.
update coursegen.webhook_deliveries
set state = 'pending', finished_at = null, failures = 0, due_at = now(), give_up_at = now() + interval '1 day'
where generation_id = %(generation_id)s
    and (seq = %(seq)s or (%(seq)s::integer is null and state <> 'delivered'))
returning seq;

-- name: cancel_webhook_job
-- The job of the generation's webhook that waits never starts.
select procrastinate_cancel_job_v1(id, false, false)
from procrastinate_jobs
where status = 'todo' and queueing_lock = 'webhook:' || %(generation_id)s::text;

-- name: list_stranded_webhooks
-- Generations whose next delivery nobody sends and no job will: its worker died.
select generation_id
from (
    select distinct on (generation_id) generation_id, held_until
    from coursegen.webhook_deliveries
    where state = 'pending'
    order by generation_id, seq
) head
where coalesce(held_until, '-infinity') <= now()
    and not exists (
        select from procrastinate_jobs
        where status = 'todo' and queueing_lock = %(prefix)s || generation_id::text
    )
limit %(limit)s;

-- name: prune_webhook_deliveries
-- With their attempts.
with gone as (
    delete from coursegen.webhook_deliveries
    where (generation_id, seq) in (
        select generation_id, seq from coursegen.webhook_deliveries
        where created_at < now() - interval '30 days'
        order by created_at limit %(batch)s
    )
    returning 1
)
select count(*) as deleted from gone;

-- name: list_webhook_deliveries
-- The latest deliveries with the last try of each: of one course (by slug or id) or all, of one generation or all; those
-- that failed or wait, if asked for.
select
    delivery.generation_id, delivery.seq, course.slug, delivery.status, delivery.step, delivery.state::text,
    delivery.failures, last.status as answer, last.error, delivery.created_at,
    case when delivery.state = 'pending' then delivery.due_at end as due_at, delivery.finished_at
from coursegen.webhook_deliveries delivery
join coursegen.generations generation on generation.id = delivery.generation_id
join courses course on course.id = generation.course_id
left join lateral (
    select status, error from coursegen.webhook_attempts attempt
    where attempt.generation_id = delivery.generation_id and attempt.seq = delivery.seq
    order by attempt.id desc limit 1
) last on true
where (%(course)s::text is null or course.slug = %(course)s or course.id::text = %(course)s)
    and (%(generation_id)s::uuid is null or delivery.generation_id = %(generation_id)s)
    and (not %(failed)s or delivery.state in ('given_up', 'gone') or (delivery.state = 'pending' and delivery.failures > 0))
    and (not %(pending)s or delivery.state = 'pending')
    and delivery.created_at >= now() - make_interval(secs => %(seconds)s)
order by delivery.created_at desc, delivery.generation_id, delivery.seq desc
limit %(limit)s;

-- name: count_waiting_webhooks
-- How many generations have a delivery that waits, and for how long the one that is most overdue has been due.
select count(*) as waiting, extract(epoch from now() - min(due_at)) as overdue_s
from (
    select distinct on (generation_id) due_at
    from coursegen.webhook_deliveries
    where state = 'pending'
    order by generation_id, seq
) head;

-- name: list_webhook_attempts
select seq, at, ms, status, error, excerpt
from coursegen.webhook_attempts
where generation_id = %(generation_id)s
order by id;
