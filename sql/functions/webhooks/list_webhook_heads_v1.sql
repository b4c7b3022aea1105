-- The first pending delivery of each generation, which alone may be sent, and how many senders are at work for its user,
-- for its host, and for both together. turn: when a delivery of its user was last claimed; null if not for a day.
create or replace function coursegen.list_webhook_heads_v1()
returns table (
    generation_id uuid, seq int, due_at timestamptz, held_until timestamptz, failures int, course_id uuid, user_id uuid,
    url text, turn timestamptz, senders_of_user bigint, senders_of_host bigint, senders_of_both bigint
)
language sql stable
as $$
    select
        head.generation_id, head.seq, head.due_at, head.held_until, head.failures, head.course_id, head.user_id,
        head.webhook_url, turns.at,
        count(*) filter (where head.held_until > now()) over of_user,
        count(*) filter (where head.held_until > now()) over of_host,
        count(*) filter (where head.held_until > now()) over of_both
    from (
        select first.*, g.course_id, g.user_id, g.webhook_url, coursegen.webhook_host(g.webhook_url) collate "C" as host
        from (
            select distinct on (d.generation_id) d.generation_id, d.seq, d.due_at, d.held_until, d.failures
            from coursegen.webhook_deliveries d
            where d.state = 'pending'
            order by d.generation_id, d.seq
        ) first
        join coursegen.generations g on g.id = first.generation_id
    ) head
    left join coursegen.webhook_turns turns on turns.user_id = head.user_id
    window
        of_user as (partition by head.user_id),
        of_host as (partition by head.host),
        of_both as (partition by head.user_id, head.host)
$$;
