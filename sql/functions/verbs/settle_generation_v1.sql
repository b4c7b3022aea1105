-- Settles a generation that a run had to leave. If its course has a new owner, the generation is cancelled: nobody who may
-- see the course asked for it.
-- Outcomes: active: a later run has it; final: it holds no slot.
create or replace function coursegen.settle_generation_v1(p_generation_id uuid, p_message text)
returns table (outcome text)
language plpgsql
as $$
declare
    generation constant coursegen.generations := coursegen.lock_generation(p_generation_id);
begin
    outcome := 'final';
    if generation.finished_at is null and generation.id is not null then
        if coursegen.holds_fence(generation, generation.fence) then
            outcome := 'active';
        else
            perform coursegen.cancel_generation(generation, p_message, 'owner_changed');
        end if;
    end if;
    return next;
end
$$;
