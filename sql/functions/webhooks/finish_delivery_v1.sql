-- Ends the claim that p_held_until identifies. The delivery gets its final state, or stays pending and is due again in
-- p_wait_s. p_attempt is the attempt that was made, if one was: {"ms", "status", "error", "excerpt"}. The next delivery is
-- scheduled; after `gone` the generation has no next one. One that its receiver can't take is given up (skip_refused).
-- Outcomes: p_state; given_up; claim_lost: another sender has claimed the delivery since, and nothing was written.
create or replace function coursegen.finish_delivery_v1(
    p_generation_id uuid, p_seq int, p_held_until timestamptz, p_state text, p_wait_s float, p_attempt jsonb
) returns table (outcome text)
language plpgsql
as $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    update coursegen.webhook_deliveries d
    set state = p_state::coursegen.webhook_delivery_state, held_until = null,
        finished_at = case when p_state <> 'pending' then now() end,
        due_at = coalesce(now() + make_interval(secs => p_wait_s), d.due_at),
        failures = d.failures + (p_attempt is not null and p_state <> 'delivered')::int
    where d.generation_id = p_generation_id and d.seq = p_seq and d.state = 'pending' and d.held_until = p_held_until;
    if not found then
        outcome := 'claim_lost';
        return next;
        return;
    end if;
    if p_attempt is not null then
        insert into coursegen.webhook_attempts (generation_id, seq, ms, status, error, excerpt)
        select p_generation_id, p_seq, a.ms, a.status, a.error, a.excerpt
        from jsonb_to_record(p_attempt) as a (ms int, status int, error text, excerpt text);
    end if;
    if p_state = 'gone' then
        update coursegen.webhook_deliveries d set state = 'gone', finished_at = now(), held_until = null
        where d.generation_id = p_generation_id and d.state = 'pending';
    end if;
    outcome := case when coursegen.skip_refused(p_generation_id) then 'given_up' else p_state end;
    perform coursegen.schedule_delivery(p_generation_id);
    return next;
end
$$;
