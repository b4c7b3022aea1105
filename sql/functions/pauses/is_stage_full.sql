-- Whether the stage has no place for the generation: of p_at_once that may run it at a time, null for any number, those that
-- run it and those that wait before this one take all. These go first by priority, then by age. Holds a lock
-- until the end of the transaction, so that no two take the last place; the caller has locked the generation.
create or replace function coursegen.is_stage_full(g coursegen.generations, p_at_once int) returns boolean
language plpgsql
as $$
begin
    if p_at_once is null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtext('coursegen.stage ' || g.stage));
    return p_at_once <= (
        -- Not the starts: one of a generation that is over may have been left open.
        select count(distinct o.id) from coursegen.attempts a
        join coursegen.generations o on o.id = a.generation_id and o.stage = a.stage and o.finished_at is null
        where a.outcome is null and a.stage = g.stage and o.id <> g.id
    ) + (
        select count(*) from coursegen.generations o
        where o.paused_why = 'stage_full' and o.stage = g.stage and o.id <> g.id
            -- One that has not come for a while may have no worker.
            and o.paused_until > now() - interval '30 s'
            and (o.priority > g.priority or o.priority = g.priority and o.created_at < g.created_at)
    );
end
$$;
