-- A count of lessons: the value itself when it is a whole number from 0 on, else 0.
create or replace function coursegen.lesson_count(p_value jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select case
        when jsonb_typeof(p_value) <> 'number' then '0'
        when p_value::numeric >= 0 and p_value::numeric % 1 = 0 then p_value
        else '0'
    end
$$;
