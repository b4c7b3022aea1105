-- The generations that wait for their first stage and whose priority lies below what their wait of p_span_s or more is worth, the
-- longest first; overtaken: a later one of a higher priority has begun meanwhile. A priority that an operator set stays.
create or replace function coursegen.list_aging_v1(p_span_s float)
returns table (
    generation_id uuid, tier coursegen.tier, priority int, aged_priority int, waited_s float, is_overtaken boolean
)
language sql stable
as $$
    select
        g.id, g.tier, g.priority, aged.priority, waited.s,
        exists (
            select from coursegen.generations o
            where o.created_at > g.created_at and o.started_at is not null and o.priority > g.priority
        )
    from coursegen.generations g
    cross join lateral (select extract(epoch from now() - g.created_at)::float as s) waited
    cross join lateral (select coursegen.aged_priority(g.tier, waited.s, p_span_s) as priority) aged
    where g.finished_at is null and g.status = 'queued' and g.started_at is null
        and waited.s >= p_span_s and aged.priority > g.priority
        and not exists (select from coursegen.audit a where a.generation_id = g.id and a.action = 'priority')
    order by g.created_at
$$;
