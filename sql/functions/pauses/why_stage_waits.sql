-- Why the generation's stage may not start now, as `paused_why`: stage_paused by an operator, or stage_full (p_at_once). Null: it
-- may.
create or replace function coursegen.why_stage_waits(g coursegen.generations, p_at_once int) returns text
language plpgsql
as $$
begin
    return case
        when exists (select from coursegen.controls c where c.name in ('stages', 'stage:' || g.stage)) then 'stage_paused'
        when coursegen.is_stage_full(g, p_at_once) then 'stage_full'
    end;
end
$$;
