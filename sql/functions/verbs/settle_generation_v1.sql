-- Settles a generation that may not go on. If its course has a new owner, the generation is cancelled: nobody who may see
-- the course asked for it. So it is if the platform set the course to cancelled.
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
        if coursegen.holds_fence_v1(generation, generation.fence) then
            outcome := 'active';
        else
            perform coursegen.cancel_generation(generation, p_message, case
                when exists (
                    select from public.courses c where c.id = generation.course_id and c.user_id = generation.user_id
                ) then 'platform' else 'owner_changed'
            end);
        end if;
    end if;
    return next;
end
$$;
