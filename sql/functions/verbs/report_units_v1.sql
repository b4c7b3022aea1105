-- Shows that the stage works: p_change has the counts of lessons, or only that it is alive.
-- Outcomes: reported, superseded.
create or replace function coursegen.report_units_v1(p_generation_id uuid, p_fence int, p_stage text, p_change jsonb)
returns table (outcome text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    if coursegen.holds_fence_v1(generation, p_fence) and generation.stage::text = p_stage then
        outcome := 'reported';
        perform coursegen.write_course(generation.course_id, jsonb_build_array(p_change, '{"alive": true}'::jsonb));
    else
        outcome := 'superseded';
    end if;
    return next;
end
$$;
