-- Claims the next begin or end that is due for p_hold_s seconds: until then no other sender gets it. No row: none is due.
create or replace function coursegen.claim_alert_v1(p_hold_s float)
returns table (
    finding text, event text, details jsonb, began_at timestamptz, ended_at timestamptz, failures int, held_until timestamptz
)
language sql
as $$
    update coursegen.alerts a
    set held_until = now() + make_interval(secs => p_hold_s)
    where a.finding = (
        select due.finding from coursegen.alerts due
        where (due.state = 'over' or due.state = 'lasting' and not due.is_told)
            and due.due_at <= now() and coalesce(due.held_until, '-infinity') <= now()
        order by due.began_at
        limit 1
        for update skip locked
    )
    returning
        a.finding, case a.state when 'over' then 'end' else 'begin' end, a.details, a.began_at, a.ended_at, a.failures,
        a.held_until
$$;
