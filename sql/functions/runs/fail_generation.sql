-- Fails the generation and its stage's step: p_step is shown as the step's message, p_error is for the course's owner.
create or replace function coursegen.fail_generation(
    g coursegen.generations, p_step text, p_error text, p_details jsonb
) returns text
language plpgsql
as $$
begin
    return coursegen.end_generation(
        g.id, 'failed',
        jsonb_build_array(jsonb_build_object(
            'step', coursegen.stage_step(g.stage), 'status', 'failed', 'message', p_step,
            'error', p_error, 'error_details', p_details
        )),
        null, p_error, p_details
    );
end
$$;
