-- Ends a claim of p_event. It was sent, or p_wait_s is how long to wait before the next attempt. What changed meanwhile holds:
-- a finding that came back while its end was sent begins anew.
create or replace function coursegen.finish_alert_v1(p_finding text, p_held_until timestamptz, p_event text, p_wait_s float)
returns void
language plpgsql
as $$
begin
    if p_wait_s is null then
        delete from coursegen.alerts a
        where a.finding = p_finding and a.held_until = p_held_until and a.state = 'over' and p_event = 'end';
    end if;
    update coursegen.alerts a
    set held_until = null,
        began_at = case when p_wait_s is null and p_event = 'end' then now() else a.began_at end,
        is_told = case when p_wait_s is null then p_event = 'begin' else a.is_told end,
        failures = case when p_wait_s is null then 0 else a.failures + 1 end,
        due_at = case when p_wait_s is null then now() else now() + make_interval(secs => p_wait_s) end
    where a.finding = p_finding and a.held_until = p_held_until;
end
$$;
