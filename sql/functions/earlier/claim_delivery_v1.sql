-- Claims the generation's first pending delivery, if it is due, for p_hold_s seconds: until then no other sender gets it.
-- held_until identifies the claim; left_s is the time until the delivery is given up. A delivery that is due later gets a
-- job.
-- Outcomes: claimed; none: nothing is due, or another sender has the claim.
create or replace function coursegen.claim_delivery_v1(p_generation_id uuid, p_hold_s float)
returns table (
    outcome text, course_id uuid, url text, seq int, status text, step int, percentage int, message text, error text,
    failures int, left_s float, held_until timestamptz
)
language plpgsql
as $$
declare
    generation coursegen.generations;
begin
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    return query
    update coursegen.webhook_deliveries d
    set held_until = now() + make_interval(secs => p_hold_s)
    where d.generation_id = p_generation_id and d.state = 'pending'
        and d.seq = (
            select min(p.seq) from coursegen.webhook_deliveries p
            where p.generation_id = p_generation_id and p.state = 'pending'
        )
        and d.due_at <= now() and coalesce(d.held_until, '-infinity') <= now()
    returning
        'claimed', generation.course_id, generation.webhook_url, d.seq, d.status, d.step, d.percentage, d.message, d.error,
        d.failures, extract(epoch from d.give_up_at - now())::float, d.held_until;
    if not found then
        perform coursegen.schedule_delivery(p_generation_id);
        outcome := 'none';
        return next;
    end if;
end
$$;
