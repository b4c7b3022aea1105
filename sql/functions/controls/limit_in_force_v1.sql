-- How many generations may be active at once: what an operator set, else p_limit, the environment's.
create or replace function coursegen.limit_in_force_v1(p_limit int) returns int
language plpgsql stable
as $$
begin
    return coalesce((select c.value from coursegen.controls c where c.name = 'limit'), p_limit);
end
$$;
