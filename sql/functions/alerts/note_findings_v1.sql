-- Keeps what a check found. p_found has every finding's `finding` (its check's name), `is_problem` and `details`; a check that
-- is not among them had no result. A problem that has lasted p_after_s is due to be sent, and so is its end; one that comes
-- back before its end was sent was never gone. If no check ran for p_gap_s, the database was away: its end is due with p_gap,
-- the details of the finding `database`. Safe to run twice at once.
create or replace function coursegen.note_findings_v1(p_found jsonb, p_after_s float, p_gap jsonb, p_gap_s float) returns void
language plpgsql
as $$
declare
    after constant interval := make_interval(secs => p_after_s);
    last timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('coursegen'), hashtext('alerts'));
    select c.at into last from coursegen.alert_checks c;
    insert into coursegen.alert_checks (at) values (now()) on conflict (id) do update set at = excluded.at;
    if now() - last > make_interval(secs => p_gap_s) then
        insert into coursegen.alerts (finding, state, details, began_at, ended_at, is_told)
        values ('database', 'over', p_gap, last, now(), true)
        on conflict do nothing;
    end if;

    insert into coursegen.alerts as a (finding, details)
    select f.finding, f.details
    from jsonb_to_recordset(p_found) f (finding text, is_problem boolean, details jsonb)
    where f.is_problem
    on conflict (finding) do update
    set details = excluded.details, seen_at = now(), changing_since = null, ended_at = null,
        state = case when a.state = 'suspected' and now() - a.began_at < after then 'suspected' else 'lasting' end,
        due_at = case when a.state = 'suspected' then now() else a.due_at end;

    update coursegen.alerts a
    set seen_at = now(), changing_since = coalesce(a.changing_since, now())
    from jsonb_to_recordset(p_found) f (finding text, is_problem boolean)
    where f.finding = a.finding and not f.is_problem and a.state <> 'over';
    update coursegen.alerts a
    set state = 'over', ended_at = a.changing_since, failures = 0, due_at = now()
    -- A begin that is being sent now may arrive.
    where a.state = 'lasting' and now() - a.changing_since >= after and (a.is_told or a.held_until > now());
    delete from coursegen.alerts a
    where (a.state = 'suspected' or a.state = 'lasting' and now() - a.changing_since >= after) and a.changing_since is not null
        or a.seen_at < now() - interval '1 day';  -- nobody checks it any more, or its end can't be delivered
end
$$;
