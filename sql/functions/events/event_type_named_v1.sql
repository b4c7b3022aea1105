-- The type of the platform's events of that name, or null. Unlike a cast it refuses no name, and unlike a query it is known when
-- an index is chosen.
create or replace function coursegen.event_type_named_v1(p_name text) returns public.metric_event_type
language sql stable
as $$
    select e from unnest(enum_range(null::public.metric_event_type)) e where e::text = p_name
$$;
