-- The number of the step that shows the stage.
create or replace function coursegen.stage_step(p_stage coursegen.stage) returns int
language sql immutable parallel safe
as $$
    select case p_stage
        when 'STRUCTURE_GENERATION' then 3
        when 'TEXT_GENERATION' then 4
        when 'FINALIZATION' then 5
        else 2
    end
$$;
