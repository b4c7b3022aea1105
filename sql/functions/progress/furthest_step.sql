-- The number of the furthest step that is not pending; 1 where all are.
create or replace function coursegen.furthest_step(p_steps jsonb) returns int
language sql immutable parallel safe
as $$
    select case
        when p_steps #>> '{4,status}' <> 'pending' then 5
        when p_steps #>> '{3,status}' <> 'pending' then 4
        when p_steps #>> '{2,status}' <> 'pending' then 3
        when p_steps #>> '{1,status}' <> 'pending' then 2
        else 1
    end
$$;
