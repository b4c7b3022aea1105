-- The priority of a generation of the tier that has waited for p_waited_s: that of the next higher tier for each p_span_s, up
-- to the highest.
create or replace function coursegen.aged_priority(p_tier coursegen.tier, p_waited_s float, p_span_s float) returns int
language sql stable
as $$
    select greatest(own.priority, (
        select max(higher.priority)
        from (
            select distinct t.priority from coursegen.tiers t
            where t.priority > own.priority
            order by t.priority
            limit least(floor(p_waited_s / p_span_s), 100)::int
        ) higher
    ))
    from coursegen.tiers own
    where own.tier = p_tier
$$;
