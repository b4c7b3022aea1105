-- The result of a unit that a run of the course saved for the same input and version.
-- Outcomes: found, missing, superseded.
create or replace function coursegen.find_unit_v1(
    p_generation_id uuid, p_fence int, p_stage text, p_unit text, p_hash bytea
) returns table (outcome text, result json)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if not coursegen.holds_fence_v1(generation, p_fence) or generation.stage::text <> p_stage then
        outcome := 'superseded';
    else
        update coursegen.units u set used_at = now()
        where u.course_id = generation.course_id and u.stage = generation.stage and u.unit = p_unit and u.hash = p_hash
        returning u.result into result;
        outcome := case when found then 'found' else 'missing' end;
    end if;
    return next;
end
$$;
