-- The dynamic limit is p_to from now on, and an event says so. No admission is under way that was decided by the old one;
-- raises lock_not_available if these take too long. The caller's transaction has read the situation.
create or replace function coursegen.move_limit_v1(p_from int, p_to int, p_reason text, p_facts jsonb) returns void
language plpgsql
as $$
begin
    perform coursegen.lock_controls_v1();
    insert into coursegen.dynamic_limit as d (value, reason, lowered_at)
    values (p_to, p_reason, case when p_to < p_from then now() end)
    on conflict (is_only) do update
    set value = excluded.value, reason = excluded.reason, changed_at = now(),
        lowered_at = coalesce(excluded.lowered_at, d.lowered_at);
    perform coursegen.record_limit_change(jsonb_build_object('from', nullif(p_from, 0), 'limit', p_to, 'reason', p_reason) || p_facts);
end
$$;
