-- name: claim_delivery
select claimed.*, generation.traceparent
from coursegen.claim_delivery_v3(%(generation_id)s, %(hold_s)s, %(share)s) claimed
left join coursegen.generations generation on generation.id = claimed.generation_id;

-- name: finish_delivery
select *
from coursegen.finish_delivery_v1(
    %(generation_id)s, %(seq)s, %(held_until)s, %(state)s, %(wait_s)s, %(attempt)s
);

-- name: resend_deliveries
select * from coursegen.resend_deliveries_v1(%(generation_id)s, %(seq)s, %(actor)s, %(reason)s);

-- name: rescue_delivery
select * from coursegen.rescue_delivery_v1(%(generation_id)s);

-- name: list_stranded_webhooks
-- Generations whose next delivery has neither a sender nor a job: its worker died. One that is due and waits for a busy
-- sender of its user or host is not stranded, since that sender goes on with it.
select generation_id
from coursegen.list_webhook_heads_v1()
where coalesce(held_until, '-infinity') <= now()
    and not exists (
        select from procrastinate_jobs
        where status = 'todo' and queueing_lock = %(prefix)s || generation_id::text
    )
    and (due_at > now() or senders_of_user + senders_of_host = 0)
limit %(limit)s;

-- name: list_webhook_deliveries
-- The latest deliveries with the last attempt of each: of one course (by slug or id) or all, of one generation or all, and
-- on request only the failed or the pending ones. `receiver`: the host of the URL, of which nothing else is for lists.
select
    delivery.generation_id, delivery.seq, course.slug, delivery.status, delivery.step, delivery.state::text,
    delivery.failures, last.status as response, last.error, delivery.created_at,
    substring(generation.webhook_url from '^[a-z]+://(?:[^/?#]*@)?([^/?#]*)') as receiver,
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
    and delivery.created_at >= now() - make_interval(secs => %(since_s)s)
order by delivery.created_at desc, delivery.generation_id, delivery.seq desc
limit %(limit)s;

-- name: list_webhook_attempts
select seq, at, ms, status, error, excerpt
from coursegen.webhook_attempts
where generation_id = %(generation_id)s
order by id;
