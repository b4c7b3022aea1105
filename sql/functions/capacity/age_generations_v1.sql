-- Raises the priority of generations, and of their waiting jobs, that have waited for p_span_s, unless an operator set another
-- span; 0 is none. A job that a worker fetches just now stays as it is. Returns those that were raised.
create or replace function coursegen.age_generations_v1(p_span_s float, p_batch int)
returns table (generation_id uuid, priority int, waited_s float)
language plpgsql
as $$
#variable_conflict use_column
declare
    span_s constant float := coalesce((select c.value from coursegen.controls c where c.name = 'aging'), p_span_s);
    aged record;
begin
    if coalesce(span_s, 0) <= 0 then
        return;
    end if;
    for aged in select * from coursegen.list_aging_v1(span_s) limit p_batch loop
        perform from coursegen.generations g
        where g.id = aged.generation_id and g.priority = aged.priority and g.status = 'queued' and g.started_at is null
        for no key update skip locked;
        continue when not found;
        continue when (select outcome from coursegen.set_priority_v1(aged.generation_id, aged.aged_priority)) <> 'set';
        perform coursegen.record_own_event('priority_raised', 'info', aged.generation_id, jsonb_build_object(
            'from', aged.priority, 'to', aged.aged_priority, 'waited_s', round(aged.waited_s)
        ));
        return query select aged.generation_id, aged.aged_priority, aged.waited_s;
    end loop;
end
$$;
