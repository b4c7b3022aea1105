-- Makes the delivery p_seq, or without it all that were not delivered, pending and due, as if new, and audits it.
-- Outcomes: resent (with their numbers); nothing_to_send.
create or replace function coursegen.resend_deliveries_v1(p_generation_id uuid, p_seq int, p_actor text, p_reason text)
returns table (outcome text, seqs int[])
language plpgsql
as $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    with renewed as (
        update coursegen.webhook_deliveries d
        set state = 'pending', finished_at = null, failures = 0, due_at = now(), give_up_at = now() + interval '1 day'
        where d.generation_id = p_generation_id and (d.seq = p_seq or (p_seq is null and d.state <> 'delivered'))
        returning d.seq
    )
    select array_agg(r.seq order by r.seq) into seqs from renewed r;
    outcome := case when seqs is null then 'nothing_to_send' else 'resent' end;
    if outcome = 'resent' then
        perform coursegen.cancel_delivery_job(p_generation_id);
        perform coursegen.schedule_delivery(p_generation_id);
        insert into coursegen.audit (actor, action, generation_id, reason, details)
        values (p_actor, 'resend', p_generation_id, p_reason, jsonb_build_object('seq', p_seq));
    end if;
    return next;
end
$$;
