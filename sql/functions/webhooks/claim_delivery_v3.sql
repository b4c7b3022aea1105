-- Claims the delivery that is next by fairness, whichever generation's it is, for p_hold_s seconds: until then no other
-- sender gets it. It is a generation's first pending delivery, and due. Over all workers, a user and a host have at most
-- p_share senders at work, and a user has one for each host. The user with the fewest is next, then the one whose turn is
-- longest ago; of a user's, those that have not failed; then the one due longest. So a receiver that hangs, or is slow,
-- delays only the same user's deliveries to the same host.
-- p_generation_id: whose job this is. If nothing was claimed and its delivery is due later, it gets a new job.
-- documents: those that were not read, from the end of their step on, so that each attempt has the same body.
-- held_until identifies the claim; left_s is the time until the delivery is given up.
-- Outcomes: claimed; none: every due delivery has a sender, or waits until a sender of its user or host is free.
create or replace function coursegen.claim_delivery_v3(p_generation_id uuid, p_hold_s float, p_share int)
returns table (
    outcome text, generation_id uuid, message_id text, course_id uuid, url text, seq int, status text, step int,
    percentage int, message text, error text, failures int, left_s float, held_until timestamptz,
    documents jsonb
)
language plpgsql
as $$
#variable_conflict use_column
declare
    own_due timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('webhooks'));  -- a claim counts the earlier ones
    return query
    with next as (
        select head.*
        from coursegen.list_webhook_heads_v1() head
        where head.due_at <= now() and coalesce(head.held_until, '-infinity') <= now()
            and head.senders_of_user < p_share and head.senders_of_host < p_share and head.senders_of_both = 0
        order by
            head.senders_of_user, head.turn nulls first, head.failures > 0, head.due_at, head.generation_id
        limit 1
    ),
    turn as (
        insert into coursegen.webhook_turns (user_id, at) select next.user_id, now() from next
        on conflict (user_id) do update set at = excluded.at
    )
    update coursegen.webhook_deliveries d
    set held_until = now() + make_interval(secs => p_hold_s)
    from next
    where d.generation_id = next.generation_id and d.seq = next.seq and d.state = 'pending'
        and coalesce(d.held_until, '-infinity') <= now()  -- again: a worker of an earlier release may have been faster
    returning
        'claimed', d.generation_id, coalesce(d.id::text, d.generation_id || '-' || d.seq), next.course_id,
        next.url, d.seq, d.status, d.step, d.percentage, d.message, d.error, d.failures,
        extract(epoch from d.give_up_at - now())::float, d.held_until,
        case when d.percentage >= 40 then coursegen.unread_documents(d.generation_id) end;
    if not found then
        perform from coursegen.generations g where g.id = p_generation_id for no key update;
        select d.due_at into own_due
        from coursegen.webhook_deliveries d
        where d.generation_id = p_generation_id and d.state = 'pending'
        order by d.seq limit 1;
        if own_due > now() then
            perform coursegen.schedule_delivery(p_generation_id);
        end if;
        outcome := 'none';
        return next;
    end if;
end
$$;
