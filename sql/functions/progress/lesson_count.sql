-- A count of lessons: the value itself when it is a whole number from 0 on, else 0.
create or replace function coursegen.lesson_count(p_value jsonb) returns jsonb
language sql immutable parallel safe
as $$
    select case when p_value @? 'strict $ ? (@ >= 0 && @.floor() == @)' then p_value else '0' end
$$;
