-- The generation, locked after its course: the lock order of every verb. A null row where there is none.
create or replace function coursegen.lock_generation(p_generation_id uuid) returns coursegen.generations
language plpgsql
as $$
declare
    generation coursegen.generations;
begin
    perform from public.courses c
    where c.id = (select g.course_id from coursegen.generations g where g.id = p_generation_id)
    for no key update;
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    return generation;
end
$$;
