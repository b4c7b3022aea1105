-- How many generations may be active at once: what an operator set, else p_limit, the environment's. If that is null, the limit
-- is dynamic: as it has moved, or 3, where it starts by default, until upkeep has run.
create or replace function coursegen.limit_in_force_v1(p_limit int) returns int
language plpgsql stable
as $$
begin
    return coalesce(
        (select c.value from coursegen.controls c where c.name = 'limit'),
        p_limit,
        (select d.value from coursegen.dynamic_limit d),
        3
    );
end
$$;
