-- Queues a job for the generation's first pending delivery if its sender died.
-- Outcomes: rescued; none: a sender has the claim, a job waits already, or nothing is pending.
create or replace function coursegen.rescue_delivery_v1(p_generation_id uuid) returns table (outcome text)
language plpgsql
as $$
begin
    perform from coursegen.generations g where g.id = p_generation_id for no key update;
    outcome := case when coursegen.schedule_delivery(p_generation_id) then 'rescued' else 'none' end;
    return next;
end
$$;
