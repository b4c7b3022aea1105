-- Sets the priority of a generation that waits for a worker, and of its job: neither changes without the other. A job that a
-- worker has just fetched stays as it is. A later stage goes before the first stages of its priority, as in stage_job.
-- With p_actor the change is audited. Outcomes: set (`was` is the priority before); not_waiting; not_found.
create or replace function coursegen.set_priority_v1(
    p_generation_id uuid, p_priority int, p_actor text default null, p_reason text default null
) returns table (outcome text, was int)
language plpgsql
as $$
declare
    generation coursegen.generations;
begin
    select g.* into generation from coursegen.generations g where g.id = p_generation_id for no key update;
    if not found then
        outcome := 'not_found';
        return next;
        return;
    end if;
    -- The library has no function for it. One that is being fetched is waited for, and is then no longer `todo`.
    update procrastinate_jobs j set priority = p_priority + (generation.started_at is not null)::int
    where j.queueing_lock = p_generation_id::text and j.status = 'todo' and generation.finished_at is null;
    outcome := case when found then 'set' else 'not_waiting' end;
    if outcome = 'set' then
        was := generation.priority;
        update coursegen.generations g set priority = p_priority where g.id = p_generation_id;
        if p_actor is not null then
            insert into coursegen.audit (actor, action, generation_id, course_id, reason, details)
            values (
                p_actor, 'priority', p_generation_id, generation.course_id, p_reason,
                jsonb_build_object('was', was, 'priority', p_priority)
            );
        end if;
    end if;
    return next;
end
$$;
